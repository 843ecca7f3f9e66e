"""What a pool does all the time, without processes."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from statordb.runtime import upkeep
from statordb.runtime.instance import State
from statordb.runtime.upkeep import MEASURED_TOGETHER, Upkeep


class Instances:
    """Instances whose measuring takes as long as the test wants."""

    def __init__(self, count: int) -> None:
        self.waiting: list[asyncio.Future[None]] = []
        self.measured: list[int] = []
        self.all = [SimpleNamespace(state=State.BUSY, measure=self.measure(number)) for number in range(count)]

    def instances(self) -> list[Any]:
        return self.all

    def measure(self, number: int) -> Any:
        async def look() -> None:
            answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.waiting.append(answer)
            await answer
            self.measured.append(number)

        return look


async def rounds() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_an_instance_whose_memory_takes_long_to_tell_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may have a launcher look at it; as many at once as that takes."""
    monkeypatch.setattr(upkeep, "_repeat", lambda seconds, act: asyncio.sleep(0))

    async def story() -> None:
        fleets = Instances(MEASURED_TOGETHER + 2)
        keeping = Upkeep(fleets, None, None, 1.0, lambda marks: None)  # type: ignore[arg-type]
        look = asyncio.ensure_future(keeping._measure())
        await rounds()
        assert len(fleets.waiting) == MEASURED_TOGETHER
        fleets.waiting[1].set_exception(OSError("gone"))
        for answer in fleets.waiting[2:]:
            answer.set_result(None)
        await rounds()
        assert len(fleets.waiting) == MEASURED_TOGETHER + 2, "the first one is still looked at"
        for answer in (*fleets.waiting[MEASURED_TOGETHER:], fleets.waiting[0]):
            answer.set_result(None)
        with pytest.raises(ExceptionGroup, match="can't be measured"):
            await look
        assert sorted(fleets.measured) == [number for number in range(MEASURED_TOGETHER + 2) if number != 1]
        await keeping.close()

    asyncio.run(story())
