"""The protocol of an update over several partitions, as states and transitions.

After "Distributed Transactions at Scale in Amazon DynamoDB" (USENIX ATC 2023), with a commit record that is inserted if
absent: who inserts first, the owner that commits or anybody who aborts, decides for all. Marks on rows keep everybody
else from writing them; versions tell what was read. What happens to a transaction is one path
through TRANSITIONS: who does something to it goes by a `Course`, which takes no other. Each transition is announced by
its name just before its write is sent, once per partition where it has a write for each.
"""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple


class State(Enum):
    """Of one transaction, as Cassandra knows it."""

    PLANNED = "planned"  # nothing is written
    NOTED = "noted"  # which rows it may hold can be found by others; some of them may be marked
    HELD = "held"  # all its rows are marked, so that none can change
    RECORDED = "recorded"  # so is what it is to write
    COMMITTED = "committed"  # it has happened; its rows may not show it yet
    APPLIED = "applied"  # its rows show it, and nothing is marked
    RELAYED = "relayed"  # so do derived rows elsewhere, and logs
    ABORTED = "aborted"  # it never happens; some rows may be marked
    RELEASED = "released"  # nothing is marked, and it never happens
    FORGOTTEN = "forgotten"  # there is no verdict, and no note of it


class Transition(NamedTuple):
    """One step. `leaves`: what a crash just before its write, or in the middle of it, leaves behind. `repair`: who puts
    that right, and how."""

    name: str
    states: tuple[State, ...]
    event: str
    next: State
    leaves: str
    repair: str


_UNDONE = "the process that recovers the dead one, or whoever meets an old mark, aborts it and takes off its marks"
_DONE = "the process that recovers the dead one, or whoever meets an old mark, goes on by the record"
_OPEN = (State.NOTED, State.HELD, State.RECORDED)

TRANSITIONS = (
    Transition(
        "note",
        (State.PLANNED,),
        "the plan wants something written; a journal row and a note of it name the rows, before any is marked",
        State.NOTED,
        "perhaps a journal row or a note, of rows that nobody holds",
        "recovery finds nothing marked, aborts it and clears the notes",
    ),
    Transition(
        "hold",
        (State.NOTED,),
        "the rows of each partition are marked, if they have the versions that the plan saw, and nobody's mark",
        State.HELD,
        "marks in some partitions",
        _UNDONE,
    ),
    Transition(
        "record",
        (State.HELD,),
        "all writes, derived rows and changes are written into its record",
        State.RECORDED,
        "marks in all partitions, and perhaps a part of the record",
        _UNDONE,
    ),
    Transition(
        "commit",
        (State.RECORDED,),
        "the outcome is inserted among the verdicts, if there is none",
        State.COMMITTED,
        "marks in all partitions, and a record without an outcome, or with one that nobody was told",
        "the same insert the other outcome: they abort it, or are told that it was committed, and go on by the record",
    ),
    Transition(
        "apply",
        (State.COMMITTED,),
        "the rows of each partition are written and their marks taken off, if the marks are still there",
        State.APPLIED,
        "marks in the partitions that were not written yet",
        _DONE,
    ),
    Transition(
        "relay",
        (State.APPLIED,),
        "derived rows of other partitions and log entries are written, as of the transaction's version",
        State.RELAYED,
        "some of them are not there; readers of logs wait for them, since the dead process's watermark stands",
        "the process that recovers the dead one writes all of them again, to the same effect",
    ),
    Transition(
        "forget",
        (State.RELAYED, State.RELEASED),
        "outcome, record and note are deleted, then the journal row",
        State.FORGOTTEN,
        "an outcome, a record or a note of a transaction that holds nothing",
        "the process that recovers the dead one does the same again, which changes nothing, and deletes them",
    ),
    Transition(
        "abort",
        _OPEN,
        "somebody else, who takes the owner for dead, inserts the verdict 'aborted', if there is none",
        State.ABORTED,
        "what the owner left",
        "whoever comes next does the same",
    ),
    Transition(
        "release",
        (*_OPEN[:2], State.RECORDED, State.ABORTED),
        "marks are taken off: by the owner who gives up before the commit, or by somebody else after an abort",
        State.RELEASED,
        "marks in some partitions",
        _UNDONE,
    ),
)

NAMES = frozenset(transition.name for transition in TRANSITIONS)
_LEADING_TO = {transition.next: transition for transition in TRANSITIONS}

Watch = Callable[[str], None]
"""Called with the name of a transition just before its write is sent."""


class OutOfOrder(AssertionError):
    """A step that the protocol does not have: what was to be sent must not be."""


class Course:
    """Where one transaction is, as far as this process knows, and where it may go from there."""

    __slots__ = ("_watch", "state")

    def __init__(self, watch: Watch, state: State = State.PLANNED) -> None:
        self._watch = watch
        self.state = state

    def step(self, to: State) -> None:
        """A write is about to be sent that leads there: the first of some, another one, or one of them again. Raises
        OutOfOrder."""
        transition = self._checked(to)
        self._watch(transition.name)
        self.state = to

    def skip(self, to: State) -> None:
        """The same where there is nothing to be written for it. Raises OutOfOrder."""
        self._checked(to)
        self.state = to

    def found(self, state: State) -> None:
        """Others have brought it there, as the verdict tells."""
        self.state = state

    def _checked(self, to: State) -> Transition:
        transition = _LEADING_TO.get(to)
        if transition is None or (self.state is not to and self.state not in transition.states):
            raise OutOfOrder(f"a transaction can't go from {self.state.value} to {to.value}")
        return transition
