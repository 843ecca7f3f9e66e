"""Finds processes that live but do not go on: a loop that stands, or a process that was stopped.

Time counts by looks, not by the clock: when the whole server was frozen, or the machine asleep, nobody told anything,
and nobody hung.
"""

import signal

from statordb.server.roster import Roster, State

LOOK_SECONDS = 1.0  # between two looks
HUNG_SECONDS_MAX = 30.0  # then a process is ended, so that another can take its place
LANE_HUNG_SECONDS_MAX = 120.0  # the same of a lane, which answers one request in one go, and gives way to all others
DUMP_SECONDS = 1.0  # that it has to write down where it stands before it is
DUMP_SIGNAL = signal.SIGUSR1  # has a process write the stacks of its threads to standard error


class Watch:
    """Looks at the heartbeats of a roster. To be called about every LOOK_SECONDS."""

    def __init__(
        self,
        roster: Roster,
        hung_seconds: float = HUNG_SECONDS_MAX,
        lane_hung_seconds: float = LANE_HUNG_SECONDS_MAX,
    ) -> None:
        self._roster = roster
        self._hung_seconds = hung_seconds
        self._lane_hung_seconds = lane_hung_seconds
        self._beats: dict[int, int] = {}
        self._silent: dict[int, float] = {}  # slot -> seconds without a beat
        self._looked_at: float | None = None

    def look(self, slots: list[int], now: float) -> dict[int, signal.Signals]:
        """slot -> the signal that its process is to get. `now` is monotonic; `slots`: those of living processes."""
        since = 0.0 if self._looked_at is None else min(now - self._looked_at, 2 * LOOK_SECONDS)
        self._looked_at = now
        due: dict[int, signal.Signals] = {}
        for slot in slots:
            before, beat = self._beats.get(slot), self._roster.last_beat(slot)
            self._beats[slot] = beat
            if before != beat or self._roster.state(slot) is not State.READY:
                self._silent[slot] = 0.0
                continue
            hung = self._lane_hung_seconds if slot > self._roster.keeper else self._hung_seconds
            silent = self._silent[slot]
            self._silent[slot] = silent + since
            if silent < hung <= silent + since:
                due[slot] = DUMP_SIGNAL
            elif silent >= hung + DUMP_SECONDS:
                due[slot] = signal.SIGKILL
        return due

    def forget(self, slot: int) -> None:
        """The process of a slot is gone; what comes next there starts anew."""
        self._beats.pop(slot, None)
        self._silent.pop(slot, None)
