"""Invocations from another process: everything that an Invoker says comes through."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
import uvloop
from tests.pace import HANGS_SECONDS, come_about
from tests.runtime.pools import ends_slowly, function

from statordb.model.invocation import NotRunnable, Outcome, Throttled
from statordb.runtime import doorway
from statordb.runtime.doorway import Doorway, PoolUnreachable, RemoteInvoker
from statordb.store.functions.catalog import FunctionRecord


class Told:
    """An Invoker that does as its event says, and remembers."""

    def __init__(self) -> None:
        self.asked: list[tuple[FunctionRecord, bytes, str | None, str]] = []
        self.release = asyncio.Event()
        self.cancelled = 0

    async def invoke(
        self, function: FunctionRecord, payload: bytes, *, client_context: str | None = None, request_id: str = ""
    ) -> Outcome:
        self.asked.append((function, payload, client_context, request_id))
        match payload:
            case b"throttle":
                raise Throttled("ConcurrentInvocationLimitExceeded")
            case b"refuse":
                raise NotRunnable("There is no code.")
            case b"break":
                raise ZeroDivisionError
            case b"wait":
                try:
                    await self.release.wait()
                except asyncio.CancelledError:
                    self.cancelled += 1
                    raise
        return Outcome(payload * 2, "Unhandled" if payload == b"fail" else None, b"the log", request_id or "made")


Story = Callable[[RemoteInvoker, Told, Doorway], Awaitable[None]]


def tell(story: Story, secret: str = "secret") -> None:
    async def scene() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        address = listener.getsockname()
        told = Told()
        doorway = Doorway(told, "secret")
        await doorway.start(listener)
        remote = RemoteInvoker(address, secret)
        try:
            await asyncio.wait_for(story(remote, told, doorway), HANGS_SECONDS)
        finally:
            await remote.close()
            await doorway.close()

    uvloop.run(scene())


def test_an_outcome_comes_through_whole() -> None:
    async def story(remote: RemoteInvoker, told: Told, doorway: Doorway) -> None:
        record = function("a.b", environment={"A": "ü"}, concurrency=3, options={"Layers": []})
        payload = b"x" * 6_000_000
        outcome = await remote.invoke(record, payload, client_context='{"a":1}', request_id="r")
        assert outcome == Outcome(payload * 2, None, b"the log", "r")
        assert told.asked == [(record, payload, '{"a":1}', "r")]
        assert await remote.invoke(record, b"fail") == Outcome(b"failfail", "Unhandled", b"the log", "made")

    tell(story)


def test_refusals_and_faults_come_through() -> None:
    async def story(remote: RemoteInvoker, told: Told, doorway: Doorway) -> None:
        with pytest.raises(Throttled, match=r"^ConcurrentInvocationLimitExceeded$"):
            await remote.invoke(function("a.b"), b"throttle")
        with pytest.raises(NotRunnable, match=r"^There is no code\.$"):
            await remote.invoke(function("a.b"), b"refuse")
        with pytest.raises(PoolUnreachable):
            await remote.invoke(function("a.b"), b"break")

    tell(story)


def test_a_slow_invocation_holds_up_no_other() -> None:
    async def story(remote: RemoteInvoker, told: Told, doorway: Doorway) -> None:
        slow = asyncio.create_task(remote.invoke(function("a.b"), b"wait"))
        quick = await asyncio.gather(*(remote.invoke(function("a.b"), b"%d" % n) for n in range(20)))
        assert [outcome.payload for outcome in quick] == [b"%d%d" % (n, n) for n in range(20)]
        assert not slow.done()
        told.release.set()
        assert (await slow).payload == b"waitwait"

    tell(story)


def test_a_worker_waits_for_a_long_init_and_the_function_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "SPARE_SECONDS", -199.9)  # of a timeout of 200 s, twice: 200.1 s are left

    async def story(remote: RemoteInvoker, told: Told, _: Doorway) -> None:
        caller = asyncio.create_task(remote.invoke(function("a.b", timeout_seconds=200), b"wait"))
        await come_about(lambda: bool(told.asked))
        await asyncio.sleep(0.3)
        told.release.set()
        assert (await caller).payload == b"waitwait"

    tell(story)


def test_a_cancelled_caller_leaves_nothing_behind() -> None:
    async def story(remote: RemoteInvoker, told: Told, doorway: Doorway) -> None:
        caller = asyncio.create_task(remote.invoke(function("a.b"), b"wait"))
        await come_about(lambda: bool(told.asked))
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        told.release.set()
        assert (await remote.invoke(function("a.b"), b"1")).payload == b"11"
        assert told.cancelled == 0  # it ran on

    tell(story)


def test_who_does_not_know_the_secret_gets_nowhere() -> None:
    async def story(remote: RemoteInvoker, told: Told, doorway: Doorway) -> None:
        with pytest.raises(PoolUnreachable):
            await remote.invoke(function("a.b"), b"1")
        assert told.asked == []

    tell(story, secret="sesame")


def test_those_who_wait_are_told_that_the_other_side_has_gone() -> None:
    async def story(remote: RemoteInvoker, told: Told, doorway: Doorway) -> None:
        waiting = asyncio.create_task(remote.invoke(function("a.b"), b"wait"))
        await come_about(lambda: bool(told.asked))
        await doorway.close()
        with pytest.raises(PoolUnreachable):
            await waiting
        with pytest.raises(PoolUnreachable):
            await remote.invoke(function("a.b"), b"1")

    tell(story)


def test_the_other_side_may_come_back() -> None:
    async def story(remote: RemoteInvoker, told: Told, doorway: Doorway) -> None:
        await remote.invoke(function("a.b"), b"1")
        await doorway.close()
        again = Doorway(told, "secret")
        await again.start(socket.create_server(remote._address))
        with pytest.raises(PoolUnreachable):  # on the old connection: it can't know what became of that
            await remote.invoke(function("a.b"), b"2")
        assert (await remote.invoke(function("a.b"), b"3")).payload == b"33"
        await again.close()

    tell(story)


def test_more_at_once_than_may_be_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """On either side: a worker asks for no more, and who asks for more all the same is told so."""
    monkeypatch.setattr(doorway, "ASKED_MAX", 2)

    async def story(remote: RemoteInvoker, told: Told, doorway_: Doorway) -> None:
        running = [asyncio.create_task(remote.invoke(function("a.b"), b"wait")) for _ in range(2)]
        await come_about(lambda: len(told.asked) == 2)
        with pytest.raises(Throttled, match="ConcurrentInvocationLimitExceeded"):
            await remote.invoke(function("a.b"), b"1")
        monkeypatch.setattr(doorway, "ASKED_MAX", 3)
        third = asyncio.create_task(remote.invoke(function("a.b"), b"wait"))
        await asyncio.sleep(0)  # it has been sent
        monkeypatch.setattr(doorway, "ASKED_MAX", 2)
        with pytest.raises(Throttled, match="ConcurrentInvocationLimitExceeded"):
            await third
        told.release.set()
        assert [outcome.payload for outcome in await asyncio.gather(*running)] == [b"waitwait"] * 2
        assert len(told.asked) == 2

    tell(story)


def test_closing_keeps_the_callers_own_cancellation() -> None:
    """Else whoever is told to stop in there would go on."""

    async def story(remote: RemoteInvoker, told: Told, doorway: Doorway) -> None:
        doorway._connections.begin(ends_slowly(told.release))
        await asyncio.sleep(0)
        closing = asyncio.create_task(doorway.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        told.release.set()

    tell(story)
