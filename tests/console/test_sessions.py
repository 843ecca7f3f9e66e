"""Sessions end, and are bounded; guesses too."""

from statordb.console.limits import SESSION_IDLE_SECONDS, SESSION_SECONDS, SIGN_INS_A_MINUTE_MAX
from statordb.console.sessions import Sessions


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def begin(sessions: Sessions) -> str:
    return sessions.begin("key", "secret", "us-east-1", "000000000000")


def test_one_that_is_not_used_ends() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    name = begin(sessions)
    clock.seconds += SESSION_IDLE_SECONDS
    assert sessions.find(name) is not None
    clock.seconds += SESSION_IDLE_SECONDS + 1
    assert sessions.find(name) is None
    assert sessions.count() == 0


def test_one_that_is_used_ends_too() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    name = begin(sessions)
    for _ in range(int(SESSION_SECONDS / SESSION_IDLE_SECONDS)):
        clock.seconds += SESSION_IDLE_SECONDS
        assert sessions.find(name) is not None
    clock.seconds += 1
    assert sessions.find(name) is None


def test_the_one_unused_for_longest_makes_room() -> None:
    sessions = Sessions(Clock(), sessions_max=2)
    first, second = begin(sessions), begin(sessions)
    assert sessions.find(first) is not None
    third = begin(sessions)
    assert [sessions.find(name) is not None for name in (first, second, third)] == [True, False, True]


def test_a_secret_is_in_no_text_of_a_session() -> None:
    sessions = Sessions(Clock())
    assert "secret" not in repr(sessions.find(begin(sessions))).replace("secret=", "")


def test_guesses_are_bounded_by_the_minute() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    for _ in range(SIGN_INS_A_MINUTE_MAX):
        assert sessions.may_try()
        sessions.failed()
    assert not sessions.may_try()
    clock.seconds += 61
    assert sessions.may_try()
