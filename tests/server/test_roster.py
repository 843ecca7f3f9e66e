"""Which worker takes the next connection."""

from statordb.server.roster import Balance, Roster, State


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_the_least_loaded_worker_accepts() -> None:
    roster = Roster(2)
    for slot, connections in ((0, 3), (1, 2)):
        roster.ready(slot, 100 + slot)
        roster.set_connections(slot, connections)
    assert not Balance(roster, 0, Stopwatch()).may_accept()
    assert Balance(roster, 1, Stopwatch()).may_accept()


def test_a_worker_that_is_gone_does_not_count() -> None:
    roster = Roster(2)
    roster.ready(0, 100)
    roster.ready(1, 101)
    roster.set_connections(0, 3)
    roster.gone(1)
    assert Balance(roster, 0, Stopwatch()).may_accept()
    assert not roster.all_ready()
    assert roster.state(1) is State.ABSENT


def test_nobody_waits_for_a_worker_that_does_not_accept() -> None:
    """It may hang: its connection count says nothing then."""
    roster = Roster(2)
    roster.ready(0, 100)
    roster.ready(1, 101)
    roster.set_connections(0, 3)
    stopwatch = Stopwatch()
    balance = Balance(roster, 0, stopwatch)
    assert not balance.may_accept()
    stopwatch.seconds = 0.1
    assert balance.may_accept()
    assert not balance.may_accept()
