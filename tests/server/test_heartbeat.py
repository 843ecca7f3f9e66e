"""What a heartbeat tells of its event loop."""

import asyncio
from collections.abc import Callable

import pytest

from statordb.server.heartbeat import BUSY_BEAT_SECONDS, IDLE_BEAT_SECONDS, Heartbeat
from statordb.server.roster import Roster


class Timers:
    """An event loop that only remembers what is to be called, and two clocks: of the day, and of the processor."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.used = 0.0
        self.delay = 0.0
        self.callback: Callable[[], None] | None = None

    def call_later(self, delay: float, callback: Callable[[], None]) -> None:
        self.delay, self.callback = delay, callback

    def beat(self, late: float, used: float) -> None:
        """Let the timer run `late`, after the thread has computed for `used` seconds."""
        self.seconds += self.delay + late
        self.used += used
        assert self.callback is not None
        self.callback()


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    made = Timers()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: made)
    return made


@pytest.fixture
def roster(timers: Timers) -> Roster:
    roster = Roster(1, lambda: timers.seconds)
    Heartbeat(roster, 0, lambda: timers.seconds, lambda: timers.used).start()
    return roster


def test_a_beat_in_time_is_no_stall(timers: Timers, roster: Roster) -> None:
    timers.beat(late=0.019, used=0.019)
    assert sum(roster.stalls.totals(0).buckets) == 0
    assert roster.last_beat(0) == int(timers.seconds * 1e6)


def test_stalls_are_counted_by_length_and_cause(timers: Timers, roster: Roster) -> None:
    """Whether the loop computed or was not run decides who has to mend it."""
    timers.beat(late=0.03, used=0.03)
    timers.beat(late=0.3, used=0.001)
    timers.beat(late=20.0, used=20.0)
    totals = roster.stalls.totals(0)
    assert totals.buckets == [1, 0, 0, 1, 0, 0, 0, 0, 1]
    assert totals.seconds == pytest.approx(20.33)
    assert totals.busy == 2


def test_it_beats_often_only_where_there_is_work(timers: Timers, roster: Roster) -> None:
    timers.beat(late=0.0, used=0.0)
    assert timers.delay == IDLE_BEAT_SECONDS
    timers.beat(late=0.0, used=0.001)
    assert timers.delay == IDLE_BEAT_SECONDS
    timers.beat(late=0.0, used=0.01)
    assert timers.delay == BUSY_BEAT_SECONDS
    timers.beat(late=0.0, used=0.001)
    assert timers.delay == BUSY_BEAT_SECONDS
