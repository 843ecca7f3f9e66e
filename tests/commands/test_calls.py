"""Requests of AWS's further APIs take turns with all others, whatever they wait for, and are answered whatever
happens."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from statordb.commands.calls import Calls
from statordb.commands.turns import ROUNDS_OF_A_SLICE, Turns

LONG = 2**-9  # seconds, of which sums are exact
ASKED = 64


class Busy:
    """A clock that goes on where somebody works."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def work(self, slices: int = 1) -> str:
        for left in range(slices, 0, -1):
            self.now += LONG
            if left > 1:
                await asyncio.sleep(0)
        return "done"


def calls(clock: Busy) -> Calls[str]:
    return Calls(lambda: "api", Turns(clock))


def raised(error: BaseException) -> str:
    return type(error).__name__


async def rounds_between(clock: Busy, work: list[Coroutine[Any, Any, str]]) -> list[float]:
    """How long each round of the loop took while a storm of requests was answered."""
    served = calls(clock)
    tasks = [served.begin(each, number, raised) for number, each in enumerate(work)]
    rounds = []
    while not all(task.done() for task in tasks):
        began = clock.now
        await asyncio.sleep(0)
        rounds.append(clock.now - began)
    assert [task.result() for task in tasks] == ["done"] * len(tasks)
    return rounds


def test_a_storm_leaves_rounds_to_others() -> None:
    clock = Busy()
    rounds = asyncio.run(rounds_between(clock, [clock.work() for _ in range(ASKED)]))
    assert max(rounds) <= LONG
    assert len(rounds) >= (ASKED - 1) * ROUNDS_OF_A_SLICE


def test_what_is_long_is_cut_where_it_yields() -> None:
    clock = Busy()
    rounds = asyncio.run(rounds_between(clock, [clock.work(5) for _ in range(8)]))
    assert max(rounds) <= LONG


def test_what_is_short_waits_for_nobody() -> None:
    async def story() -> int:
        async def work() -> str:
            return "done"

        task = calls(Busy()).begin(work(), None, raised)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return task.done()

    assert asyncio.run(story())


def test_what_is_awaited_is_told_to_who_awaits_it() -> None:
    """Results, errors and the end of the task reach the coroutine, which may clean up."""

    async def story() -> list[str]:
        told = []
        loop = asyncio.get_running_loop()

        async def work(future: asyncio.Future[str]) -> str:
            try:
                return await future
            except ValueError:
                return "mended"
            finally:
                told.append("cleaned up")

        served = calls(Busy())
        futures: list[asyncio.Future[str]] = [loop.create_future() for _ in range(4)]
        tasks = [served.begin(work(future), None, raised) for future in futures]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        futures[0].set_result("result")
        futures[1].set_exception(ValueError())
        futures[2].cancel()  # what is awaited: no reason to leave a client without an answer
        told += [await task for task in tasks[:3]]
        await served.close()
        assert tasks[3].cancelled()
        return told

    assert sorted(asyncio.run(story())) == sorted(["cleaned up"] * 4 + ["result", "mended", "CancelledError"])


def test_what_answers_is_loaded_once() -> None:
    loaded = []
    served: Calls[int] = Calls(lambda: loaded.append(1) or len(loaded), Turns(Busy()))  # type: ignore[func-returns-value]

    async def story() -> list[int]:
        return [await served.api(), await served.api()]

    assert asyncio.run(story()) == [1, 1]
