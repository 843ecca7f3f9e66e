"""Pauses of the event loop: only where many ask, once a turn, and never of a thread that has no time to spare."""

from collections.abc import Callable

import pytest

from statordb.engine.cassandra.cql.moderation import (
    BUSY_SHARE,
    FREQUENT,
    MANY,
    PAUSE_SECONDS,
    WINDOW_SECONDS,
    Moderation,
)


class Turns:
    """An event loop's turns, the clock and the work of its thread."""

    def __init__(self) -> None:
        self.now = self.spent = 0.0
        self.pauses: list[float] = []
        self._soon: list[Callable[[], None]] = []
        self.moderation = Moderation(self._soon.append, lambda: self.now, lambda: self.spent, self.pauses.append)

    def begin(self, requests: int) -> None:
        for _ in range(requests):
            self.moderation.__enter__()

    def end(self, requests: int) -> None:
        for _ in range(requests):
            self.moderation.__exit__(None, None, None)

    def turn(self) -> int:
        """The next turn; how often it paused."""
        before = len(self.pauses)
        soon, self._soon[:] = list(self._soon), []
        for call in soon:
            call()
        return len(self.pauses) - before

    def window(self, requests: int = 2 * FREQUENT, share: float = 0.0) -> int:
        """A window passes with so many requests, of which the thread works so much; whether its last turn paused."""
        seconds = WINDOW_SECONDS * 1.01
        self.now += seconds
        self.spent += seconds * share
        self.begin(requests)
        self.end(requests)
        return self.turn()


@pytest.fixture
def turns() -> Turns:
    return Turns()


def test_few_requests_are_not_kept_waiting(turns: Turns) -> None:
    turns.window()
    turns.begin(MANY - 1)
    assert turns.turn() == 0


def test_many_requests_of_one_turn_make_one_pause(turns: Turns) -> None:
    turns.window()
    turns.pauses.clear()
    turns.begin(3 * MANY)
    assert turns.turn() == 1
    assert turns.pauses == [PAUSE_SECONDS]
    assert turns.turn() == 0  # nothing was begun since


def test_requests_that_ended_do_not_count(turns: Turns) -> None:
    turns.window()
    for _ in range(MANY):
        turns.begin(1)
        turns.end(1)
    assert turns.turn() == 0


def test_nobody_pauses_where_requests_are_rare(turns: Turns) -> None:
    assert turns.window(FREQUENT + 1) == 1
    assert turns.window(FREQUENT - 1) == 0
    turns.begin(MANY)
    assert turns.turn() == 0  # until the next window tells otherwise
    turns.end(MANY)
    assert turns.window(FREQUENT + 1) == 1


def test_requests_of_a_long_time_are_rare(turns: Turns) -> None:
    turns.now += 10 * WINDOW_SECONDS
    assert turns.window(2 * FREQUENT) == 0


def test_a_busy_thread_does_not_pause_and_one_that_is_free_again_does(turns: Turns) -> None:
    assert turns.window(share=BUSY_SHARE - 0.1) == 1
    assert turns.window(share=BUSY_SHARE + 0.1) == 0
    assert turns.window(share=BUSY_SHARE - 0.1) == 1


def test_a_request_that_fails_is_counted_out(turns: Turns) -> None:
    turns.window()
    turns.begin(MANY - 2)
    with pytest.raises(ValueError), turns.moderation:
        raise ValueError
    turns.begin(1)
    assert turns.turn() == 0
