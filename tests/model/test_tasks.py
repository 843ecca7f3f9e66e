"""Tasks that nobody waits for one by one."""

import asyncio
import gc

import pytest

from statordb.model.tasks import Tasks


def test_a_task_is_held_while_it_runs() -> None:
    async def story() -> None:
        tasks = Tasks()
        release = asyncio.Event()
        task = tasks.begin(release.wait())
        gc.collect()
        assert list(tasks) == [task]
        release.set()
        assert await task
        await asyncio.sleep(0)
        assert len(tasks) == 0

    asyncio.run(story())


def test_closing_ends_what_runs_and_raises_nothing_of_it() -> None:
    async def story() -> None:
        tasks = Tasks()
        hanging = tasks.begin(asyncio.sleep(60))
        failing = tasks.begin(fail())
        await asyncio.sleep(0)
        await tasks.close()
        assert hanging.cancelled()
        with pytest.raises(ZeroDivisionError):
            failing.result()

    async def fail() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise ZeroDivisionError

    asyncio.run(story())


def test_closing_keeps_the_callers_own_cancellation() -> None:
    """Else whoever is told to stop in there would go on."""

    async def story() -> None:
        tasks = Tasks()
        may_end = asyncio.Event()
        tasks.begin(stubborn(may_end))
        await asyncio.sleep(0)
        closing = asyncio.create_task(tasks.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        may_end.set()
        await tasks.ended()

    async def stubborn(may_end: asyncio.Event) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await may_end.wait()

    asyncio.run(story())
