"""The judge of event loops finds one that stands, and lets off what is none of the loop's doing."""

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine

import pytest
from tests import stalls

TRIES = 10  # a machine that stutters makes a loop stand now and then


def _busy(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


async def _work_for(seconds: float) -> None:
    await asyncio.sleep(0)
    _busy(seconds)


def _watched(work: Callable[[], Coroutine[None, None, None]]) -> stalls.Stall:
    stall = stalls.Stall()
    with stalls.watched(stall):
        asyncio.run(work())
    return stall


@pytest.mark.stands("it is to be found")
@pytest.mark.parametrize("exact", [True, False])
def test_a_loop_that_stands_is_found(exact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The canary: an alarm that never rang proves nothing. How fast the machine is changes too quickly to be asked."""
    for of_now in ("slowness", "slowness_at_first"):
        monkeypatch.setattr(stalls, of_now, lambda: 1.0)
    monkeypatch.setattr(stalls, "STALL_SECONDS_MAX", 0.005)
    stall = stalls.Stall()
    with stalls.watched(stall):
        asyncio.run(_work_for(1.1 * stalls.ALL_TIMES * stalls.STALL_SECONDS_MAX))
    assert not stall.allowed(exact)
    assert "_work_for" in stall.what or "Task" in stall.what


@pytest.mark.stands("a machine that stutters may make it")
def test_who_waits_does_not_stand() -> None:
    """Nor does who lets others run between two pieces of work."""

    async def pieces() -> None:
        for _ in range(8):
            _busy(stalls.STALL_SECONDS_MAX / 8)
            await asyncio.sleep(0)

    assert any(_watched(pieces).allowed() for _ in range(TRIES))


@pytest.mark.slow
@pytest.mark.stands("a machine that stutters may make it")
def test_collections_of_the_test_session_are_not_counted() -> None:
    async def collect() -> None:
        for _ in range(3):
            gc.collect()

    assert any(_watched(collect).allowed() for _ in range(TRIES))
