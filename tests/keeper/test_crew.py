"""Tasks beside the turns: they begin when nothing is left of those before, and whoever asks can be cancelled."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.hurried_loop import HurriedLoop

from statordb.keeper.crew import PAUSE_SECONDS_MIN, STEADY_SECONDS, Crew

Story = Callable[[Crew], Awaitable[None]]


def tell(story: Story) -> None:
    async def scene() -> None:
        crew = Crew("crew", lambda name, fault: None)
        try:
            await story(crew)
        finally:
            await crew.rest()

    with asyncio.Runner(loop_factory=HurriedLoop) as runner:
        runner.run(scene())


class Slow:
    """Work that takes its time to end when it is cancelled."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.ended = False

    async def __call__(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await self.may_end.wait()
            self.ended = True


def test_nothing_is_begun_once_whoever_asks_is_cancelled() -> None:
    """The lease has ended: what it begins now another keeper does too."""

    async def story(crew: Crew) -> None:
        begun: list[str] = []

        async def work() -> None:
            begun.append("new")

        old = Slow()
        await crew.reconcile({"old": old})
        await asyncio.sleep(0)
        asking = asyncio.create_task(crew.reconcile({"new": work}))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert not begun
        resting = asyncio.create_task(crew.rest())
        await asyncio.sleep(1)
        assert not resting.done(), "what was told to end has not ended"
        old.may_end.set()
        await resting
        assert old.ended

    tell(story)


def test_a_key_is_begun_again_only_when_its_task_has_ended() -> None:
    async def story(crew: Crew) -> None:
        old, new = Slow(), Slow()
        new.may_end.set()
        await crew.reconcile({"a": old})
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await crew.reconcile({})
        again = asyncio.create_task(crew.reconcile({"a": new}))
        await asyncio.sleep(1)
        assert not again.done()
        old.may_end.set()
        await again

    tell(story)


def test_a_task_that_worked_for_long_is_begun_again_soon() -> None:
    """However often it had failed before."""

    async def story(crew: Crew) -> None:
        begun: list[float] = []
        time = asyncio.get_running_loop().time
        lives = iter([0.0] * 8 + [STEADY_SECONDS + 1, 0.0])

        async def work() -> None:
            begun.append(time())
            await asyncio.sleep(next(lives))
            raise OSError

        await crew.reconcile({"a": work})
        while len(begun) < 10:
            await asyncio.sleep(1)
        assert begun[8] - begun[7] > 1
        assert begun[9] - begun[8] == pytest.approx(STEADY_SECONDS + 1 + PAUSE_SECONDS_MIN)

    tell(story)
