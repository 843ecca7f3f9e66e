"""Coroutines side by side without Tasks: each goes on as soon as what it waits for is there."""

import asyncio
from collections.abc import Callable

from statordb.model.pending import Pending
from statordb.model.together import Together


def run(work: Callable[[asyncio.AbstractEventLoop], object]) -> None:
    async def main() -> None:
        await work(asyncio.get_running_loop())  # type: ignore[misc]

    asyncio.run(main())


def test_outcomes_are_in_the_order_in_which_they_began() -> None:
    async def work(loop: asyncio.AbstractEventLoop) -> None:
        ended: list[int] = []
        answers: list[Pending[str]] = [Pending(loop) for _ in range(3)]

        async def one(number: int) -> str:
            return await answers[number]

        together: Together[str] = Together(loop, lambda: ended.append(len(ended)))
        for number in range(3):
            together.begin(one(number))
        answers[2].set_result("c")
        assert together.outcomes == [None, None, "c"]
        assert ended == [0]
        loop.call_soon(answers[0].set_result, "a")
        loop.call_soon(answers[1].set_result, "b")
        assert await together.all() == ["a", "b", "c"]
        assert ended == [0, 1, 2]

    run(work)


def test_what_waits_for_nobody_has_ended_at_once() -> None:
    async def work(loop: asyncio.AbstractEventLoop) -> None:
        async def one() -> int:
            return 1

        together: Together[int] = Together(loop, lambda: None)
        together.begin(one())
        assert together.outcomes == [1]
        assert await together.all() == [1]

    run(work)


def test_one_that_fails_leaves_the_others_alone() -> None:
    """A write of a batch that fails is told of once the others are done, as they can't be taken back."""

    async def work(loop: asyncio.AbstractEventLoop) -> None:
        async def fails() -> int:
            await asyncio.sleep(0)  # a bare yield, as asyncio's
            raise ValueError

        async def rests() -> int:
            await asyncio.sleep(0.001)  # a future of asyncio's
            return 2

        together: Together[int] = Together(loop, lambda: None)
        together.begin(fails())
        together.begin(rests())
        fault, other = await together.all()
        assert isinstance(fault, ValueError)
        assert other == 2

    run(work)
