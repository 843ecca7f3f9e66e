"""Which processes are ended because they do not go on."""

import signal

from statordb.server.hung import DUMP_SIGNAL, HUNG_SECONDS_MAX, LANE_HUNG_SECONDS_MAX, Watch
from statordb.server.roster import Roster


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Looks:
    """A roster of two ready workers, of whom worker 1 never beats again, and somebody who looks at it each second."""

    def __init__(self) -> None:
        self.time = Stopwatch()
        self.roster = Roster(2, self.time, lanes=1)
        for slot in range(2):
            self.roster.ready(slot, 100 + slot)
        self.watch = Watch(self.roster)

    def after(self, seconds: float) -> dict[int, signal.Signals]:
        self.time.seconds += seconds
        self.roster.beat(0)
        return self.watch.look([0, 1], self.time.seconds)


def test_who_is_silent_dumps_its_stacks_and_is_killed() -> None:
    looks = Looks()
    seen = [looks.after(1) for _ in range(int(HUNG_SECONDS_MAX) + 3)]
    assert [due for due in seen if due] == [{1: DUMP_SIGNAL}, {1: signal.SIGKILL}]
    assert not any(seen[: int(HUNG_SECONDS_MAX)])


def test_a_lane_may_stand_for_longer() -> None:
    """It answers a large request in one go, and on a busy machine it hardly runs."""
    looks = Looks()
    lane = looks.roster.lane(0)
    looks.roster.ready(lane, 300)
    seen = [looks.watch.look([lane], looks.time.seconds + second) for second in range(int(LANE_HUNG_SECONDS_MAX) + 4)]
    assert not any(seen[: int(LANE_HUNG_SECONDS_MAX)])
    assert [due for due in seen if due] == [{lane: DUMP_SIGNAL}, {lane: signal.SIGKILL}, {lane: signal.SIGKILL}]


def test_a_machine_that_slept_kills_nobody() -> None:
    """Nobody beats while all are frozen, the supervisor among them."""
    looks = Looks()
    assert not any(looks.after(3600) for _ in range(10))


def test_who_starts_has_its_time() -> None:
    """A cluster may be waited for for minutes."""
    looks = Looks()
    looks.roster.starting(1)
    assert not any(looks.after(1) for _ in range(100))


def test_the_successor_starts_anew() -> None:
    looks = Looks()
    for _ in range(int(HUNG_SECONDS_MAX) - 1):
        looks.after(1)
    looks.watch.forget(1)
    assert not any(looks.after(1) for _ in range(int(HUNG_SECONDS_MAX)))


def test_a_silent_worker_is_named() -> None:
    looks = Looks()
    looks.after(4)
    assert looks.roster.silent() == []
    looks.after(2)
    assert looks.roster.silent() == ["worker-1"]
    looks.roster.gone(1)
    assert looks.roster.silent() == []
