"""Functions' invocations are counted where they run."""

import asyncio
from typing import Any

import pytest

from statordb.metering.minutes import Minutes
from statordb.metering.series import Figures, Statistic
from statordb.metering.taps import Taps
from statordb.model.invocation import THROTTLED_TOTAL, UNHANDLED, Outcome, Throttled
from statordb.runtime.counted import CountedInvoker


class Function:
    """As much of a function's record as is asked for."""

    account, region, name = "000000000000", "us-east-1", "f"


class FakeInvoker:
    """Ends as it is told, once all that are wanted run."""

    def __init__(self, outcome: Outcome | Exception, together: int = 1) -> None:
        self.outcome = outcome
        self.barrier = asyncio.Barrier(together)

    async def invoke(self, function: Any, payload: bytes, **_: Any) -> Outcome:
        await self.barrier.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def counted(outcome: Outcome | Exception, together: int = 1) -> dict[str, Statistic]:
    """What is counted of invocations that run at the same time."""
    taps = Taps(lambda: 0.0, Minutes())
    ticks = iter(range(100))

    async def run() -> None:
        invoker = CountedInvoker(FakeInvoker(outcome, together), taps, lambda: next(ticks) / 1000)
        function: Any = Function()
        await asyncio.gather(*(invoker.invoke(function, b"{}") for _ in range(together)), return_exceptions=True)
        assert not invoker._running

    asyncio.run(run())
    found: Figures = {}
    taps.turn()
    while (taken := taps.take()) is not None:
        assert (taken.subject.kind, taken.subject.name) == ("function", "f")
        found |= taken.figures
    return {series.metric: statistic for series, statistic in found.items()}


@pytest.mark.parametrize(("error", "errors"), [(None, 0), (UNHANDLED, 1)])
def test_an_invocation(error: str | None, errors: int) -> None:
    found = counted(Outcome(b"{}", error, b"", "an-id"))
    assert {name: each.sum for name, each in found.items()} == {
        "Invocations": 1,
        "Errors": errors,
        "Duration": 1.0,
        "ConcurrentExecutions": 1,
    }
    assert found["Duration"].buckets


def test_those_that_run_at_once() -> None:
    found = counted(Outcome(b"{}", None, b"", "an-id"), 3)
    assert (found["ConcurrentExecutions"].max, found["Invocations"].sum) == (3, 3)


def test_what_is_refused_did_not_run() -> None:
    found = counted(Throttled(THROTTLED_TOTAL))
    assert {name: each.sum for name, each in found.items()} == {"Throttles": 1}
