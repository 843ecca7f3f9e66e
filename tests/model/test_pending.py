"""Answers that are not there yet: called back at once, awaited by tasks as well."""

import asyncio

import pytest

from statordb.model.pending import Pending


def test_the_callback_runs_before_set_result_returns() -> None:
    loop = asyncio.new_event_loop()
    pending: Pending[int] = Pending(loop)
    seen: list[int] = []
    pending.add_done_callback(lambda done: seen.append(done.result()))
    assert not pending.done()
    pending.set_result(7)
    assert seen == [7]
    assert pending.done()
    assert pending.get_loop() is loop
    loop.close()


def test_a_callback_that_comes_late_runs_at_once() -> None:
    loop = asyncio.new_event_loop()
    pending: Pending[int] = Pending(loop)
    pending.set_result(7)
    seen: list[int] = []
    pending.add_done_callback(lambda done: seen.append(done.result()))
    assert seen == [7]
    loop.close()


def test_tasks_wait_for_it() -> None:
    async def wait() -> int:
        pending: Pending[int] = Pending(asyncio.get_running_loop())
        asyncio.get_running_loop().call_soon(pending.set_result, 7)
        first = await pending
        return first + await pending  # there already

    assert asyncio.run(wait()) == 14


def test_an_error_is_raised_where_it_is_awaited() -> None:
    async def wait() -> None:
        pending: Pending[int] = Pending(asyncio.get_running_loop())
        asyncio.get_running_loop().call_soon(pending.set_exception, KeyError("x"))
        with pytest.raises(KeyError):
            await pending
        assert isinstance(pending.exception(), KeyError)

    asyncio.run(wait())


def test_it_is_not_cancelled_with_the_task_that_waits() -> None:
    """A write that was handed in happens; whoever waits for it is cancelled when it has."""

    async def wait() -> None:
        pending: Pending[int] = Pending(asyncio.get_running_loop())

        async def waiting() -> int:
            return await pending

        task = asyncio.ensure_future(waiting())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        assert not pending.cancelled()
        asyncio.get_running_loop().call_soon(pending.set_result, 7)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(wait())


def test_an_answer_comes_once() -> None:
    loop = asyncio.new_event_loop()
    pending: Pending[int] = Pending(loop)
    pending.set_result(1)
    with pytest.raises(AssertionError):
        pending.set_result(2)
    loop.close()
