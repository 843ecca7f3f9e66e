"""The judge of event loops finds one that stands, and lets off what is none of the loop's doing."""

import asyncio
import gc
import time

import pytest
from tests import stalls


def _busy(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


async def _work_for(seconds: float) -> None:
    await asyncio.sleep(0)
    _busy(seconds)


@pytest.mark.stands("it is to be found")
@pytest.mark.parametrize("exact", [True, False])
def test_a_loop_that_stands_is_found(exact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The canary: an alarm that never rang proves nothing. How fast the machine is changes too quickly to be asked."""
    for of_now in ("slowness", "slowness_at_first"):
        monkeypatch.setattr(stalls, of_now, lambda: 1.0)
    stall = stalls.Stall()
    with stalls.watched(stall):
        asyncio.run(_work_for(1.1 * stalls.BUSY_TIMES * stalls.STALL_SECONDS_MAX))
    assert not stall.allowed(exact)
    assert "_work_for" in stall.what or "Task" in stall.what


def test_who_waits_does_not_stand() -> None:
    """Nor does who lets others run between two pieces of work."""

    async def pieces() -> None:
        for _ in range(8):
            _busy(stalls.STALL_SECONDS_MAX / 8)
            await asyncio.sleep(0)

    stall = stalls.Stall()
    with stalls.watched(stall):
        asyncio.run(pieces())
    assert stall.allowed()


@pytest.mark.slow
def test_collections_of_the_test_session_are_not_counted() -> None:
    async def collect() -> None:
        for _ in range(3):
            gc.collect()

    stall = stalls.Stall()
    with stalls.watched(stall):
        asyncio.run(collect())
    assert stall.allowed()
