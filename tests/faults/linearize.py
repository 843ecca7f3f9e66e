"""Whether a register's history can be explained: by an order of its steps, true to time, in which each sees the last.

The search is that of J. M. Wing and C. Gong ("Testing and Verifying Concurrent Objects", 1993) with the memory of
G. Lowe ("Testing for Linearizability", 2017): steps are taken off a list of calls and returns in the order of time,
and a pair of (steps taken, value) that led nowhere is not tried again. Histories of many registers are checked one by
one, since linearizability is local.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from math import inf
from typing import NamedTuple

Value = str | None  # what a register holds; None: nothing
STATES_MAX = 3_000_000  # tried of one register before the search is given up


class Open(Enum):
    """What a step leaves open."""

    ANY = "any"  # as `needs`: it happens whatever the register holds
    SAME = "same"  # as `leaves`: it changes nothing


ANY, SAME = Open.ANY, Open.SAME


class Step(NamedTuple):
    """One operation on one register: it took effect at one moment between `begin` and `end`.

    needs    what the register held then, as far as the operation told or demanded.
    leaves   what it holds from then on.
    end      inf: nobody told its outcome; it took effect at some time after `begin`, or never.
    """

    begin: float
    end: float
    needs: Value | Open
    leaves: Value | Open
    text: str = ""


class Undecided(Exception):
    """The search took more than STATES_MAX states."""


def violations(registers: Mapping[str, Sequence[Step]]) -> list[str]:
    """A sentence for each register whose history, from an empty one on, nothing explains. Raises Undecided."""
    found = []
    for name, steps in registers.items():
        reason = unexplained(steps)
        if reason is not None:
            found.append(f"register {name}: {reason}")
    return found


def unexplained(steps: Iterable[Step], initial: Value = None) -> str | None:
    """None where some order explains the steps, else the step that most orders fail at. Raises Undecided."""
    return _Search(_relevant(list(steps)), initial).run()


def _relevant(steps: list[Step]) -> list[Step]:
    """Without the open ended steps that can be left out of any explanation.

    Such are those that change nothing, and those whose value no step needs: what comes after one up to the next change
    does not look.
    """
    needed = {step.needs for step in steps}
    return [step for step in steps if step.end < inf or (step.leaves is not SAME and step.leaves in needed)]


class _Search:
    """Calls and returns are linked in the order of time: the call of step i is entry i + 1, its return lies
    as many entries further as there are steps; entry 0 is the head and the end of the ring."""

    def __init__(self, steps: list[Step], initial: Value) -> None:
        self._steps = steps
        self._value = initial
        self._left = sum(step.end < inf for step in steps)  # known steps that are not taken yet
        self._taken = 0  # one bit for each step
        self._path: list[tuple[int, Value]] = []  # steps taken, each with the value before it
        self._deepest = -1
        self._reason: str | None = None
        size = 2 * len(steps) + 1
        self._next, self._previous = [0] * size, [0] * size
        moments = [(step.begin, 0, number + 1) for number, step in enumerate(steps)]
        moments += [(step.end, 1, len(steps) + number + 1) for number, step in enumerate(steps) if step.end < inf]
        last = 0
        for _, _, entry in sorted(moments):  # at one time calls come first: then the two overlap
            self._next[last], self._previous[entry] = entry, last
            last = entry
        self._next[last], self._previous[0] = 0, last

    def run(self) -> str | None:
        steps, following = self._steps, self._next
        tried: set[tuple[int, Value]] = set()
        entry = following[0]
        while self._left:
            if 0 < entry <= len(steps):
                step = steps[entry - 1]
                if step.needs is ANY or step.needs == self._value:
                    value = self._value if isinstance(step.leaves, Open) else step.leaves
                    state = (self._taken | 1 << entry, value)
                    if state not in tried:
                        tried.add(state)
                        if len(tried) > STATES_MAX:
                            raise Undecided(f"{len(steps)} steps, {len(self._path)} taken")
                        self._take(entry, value)
                        entry = 0
                entry = following[entry]
            else:  # the return of a step that could not be taken in time
                self._note(entry)
                entry = self._give_back()
                if not entry:
                    return self._reason
                entry = following[entry]
        return None

    def _take(self, entry: int, value: Value) -> None:
        self._path.append((entry, self._value))
        self._taken |= 1 << entry
        self._value = value
        self._unlink(entry)
        if self._steps[entry - 1].end < inf:
            self._left -= 1
            self._unlink(entry + len(self._steps))

    def _give_back(self) -> int:
        """Undo the last step that has an alternative, and return its call; 0 when there is none.

        One that changes nothing has none: taken as early as it may be, it is in nobody's way.
        """
        while self._path:
            entry, self._value = self._path.pop()
            self._taken ^= 1 << entry
            step = self._steps[entry - 1]
            if step.end < inf:
                self._left += 1
                self._link(entry + len(self._steps))
            self._link(entry)
            if step.leaves is not SAME:
                return entry
        return 0

    def _unlink(self, entry: int) -> None:
        before, behind = self._previous[entry], self._next[entry]
        self._next[before], self._previous[behind] = behind, before

    def _link(self, entry: int) -> None:
        """Back in its place; entries come back in the reverse order of their going."""
        self._next[self._previous[entry]] = self._previous[self._next[entry]] = entry

    def _note(self, entry: int) -> None:
        if len(self._path) > self._deepest:
            self._deepest = len(self._path)
            step = self._steps[entry - len(self._steps) - 1]
            self._reason = f"after {self._deepest} of {len(self._steps)} steps it holds {self._value!r}, yet: {step}"
