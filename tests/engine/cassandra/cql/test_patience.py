"""Rows that others change at the same time are tried at within bounds; then the client is told to come again."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from statordb.engine.cassandra.cql import patience
from statordb.engine.cassandra.cql.patience import Race
from statordb.engine.cassandra.cql.session import Statement, TimedOut, Unreachable
from statordb.engine.cassandra.cql.spaces import Spaces
from statordb.engine.contract import Overloaded, Use

Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Losing:
    """A session whose conditional writes are all in vain: others were faster, or `fault` came of it."""

    def __init__(self, fault: Unreachable | None) -> None:
        self._fault = fault

    async def rows(self, text: str, *values: object, consistency: str = "") -> list[tuple[Any, ...]]:
        return [("used", 0)] if "kinds" in text else [(7,)]

    async def conditional(self, statements: Sequence[Statement]) -> list[dict[str, Any]] | None:
        if self._fault is not None:
            raise self._fault
        return [{"value": 8}]


async def nothing(space: int) -> None:
    pass


@pytest.mark.parametrize(
    ("fault", "told"), [(None, Overloaded), (TimedOut("late"), Overloaded), (Unreachable("gone"), Unreachable)]
)
def test_a_race_ends(run: Run, fault: Unreachable | None, told: type[Exception]) -> None:
    """As what it was: only what the others may have to do with is a reason to come again."""
    now = 100.0
    race = Race(lambda: now)
    run(race.again(fault))
    now += patience.RACE_SECONDS
    with pytest.raises(told):
        run(race.again(fault))


@pytest.mark.parametrize("within", [None, 20 << 16], ids=["number", "kind"])
@pytest.mark.parametrize(
    ("fault", "told"), [(None, Overloaded), (TimedOut("late"), Overloaded), (Unreachable("gone"), Unreachable)]
)
def test_a_space_that_others_are_faster_to_take_is_no_fault(
    run: Run, monkeypatch: pytest.MonkeyPatch, within: int | None, fault: Unreachable | None, told: type[Exception]
) -> None:
    """So CreateTable answers ThrottlingException, which SDKs outlast, and not InternalServerError."""
    monkeypatch.setattr(patience, "RACE_SECONDS", 0.05)
    spaces = Spaces(Losing(fault), nothing, 0)  # type: ignore[arg-type]
    with pytest.raises(told):
        run(spaces.create_space(Use.LOG, within))
