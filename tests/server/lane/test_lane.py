"""A worker's client and a lane's answering on one event loop, joined by a door."""

import asyncio
import gc
import gzip
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import orjson
import pytest
import uvloop
from tests.pace import HANGS_SECONDS

from statordb.model.errors import ClientError
from statordb.model.limits import KIB, LANE_REQUESTS_MAX, LANE_WAIT_SECONDS_MAX, MIB
from statordb.model.pending import Pending
from statordb.model.request import Principal, Reply, Request
from statordb.server.lane import answering as answering_module
from statordb.server.lane import client as client_module
from statordb.server.lane.answering import Answering
from statordb.server.lane.client import LaneClient
from statordb.server.lane.counters import LaneTallies
from statordb.server.lane.door import Door
from statordb.server.lane.frames import FrameStream

WHO = Principal("000000000000", "AKID", "us-east-1", "arn:aws:iam::000000000000:root")


class Echo:
    """A service that answers what it was asked; `Stop...` only once it is let go on."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.go = asyncio.Event()

    def handle(self, request: Request) -> Any:
        self.asked.append((request.operation, len(request.body)))
        if request.operation == "Fail":
            raise RuntimeError
        if request.operation.startswith("Stop"):
            return asyncio.ensure_future(self._later(request))
        return Reply(200, request.body, None)

    async def _later(self, request: Request) -> Reply:
        await self.go.wait()
        return Reply(200, request.body, None)

    def precheck(self, target: str, body: bytes) -> ClientError | None:
        return None


class Lane:
    """A door, a client at it, and a process behind it: one Answering at a time, as a supervisor starts it."""

    def __init__(self) -> None:
        self.door = Door()
        self.service = Echo()
        self.now = 1000.0
        self.tallies = LaneTallies(1)
        self.written: list[bytes] = []
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.client = LaneClient([self.door], self.tallies.of_worker(0), lambda: self.now, self.write)
        self.grown = False
        self.answering: Answering | None = None
        self.task: asyncio.Task[None] | None = None

    async def write(self, wanted: bytes, argument: bytes) -> bytes:
        await self.may_write.wait()
        self.written.append(argument)
        return wanted + argument

    def start(self) -> None:
        self.answering = Answering(self.door, lambda: self.grown, linger_seconds=0.01)
        self.task = asyncio.create_task(self.answering.run(self.service))

    def ask(self, operation: str, body: bytes = b"{}", source: object = None, coding: bytes = b"") -> Pending[Reply]:
        return self.client.submit(Request(operation, body, WHO, "ID", source, coding))

    async def begun(self, count: int) -> None:
        """Wait until the service has been asked so often."""
        async with asyncio.timeout(HANGS_SECONDS):
            while len(self.service.asked) < count:
                await asyncio.sleep(0.001)

    async def die(self) -> None:
        """End as a killed process does: its streams just end."""
        assert self.answering is not None
        assert self.task is not None
        for stream in tuple(self.answering._streams):
            stream.abort()
        self.task.cancel()
        await asyncio.wait([self.task])

    async def close(self) -> None:
        self.client.close()
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])
        self.door.close()


Body = Callable[[Lane], Coroutine[Any, Any, None]]


def run_on_uvloop(main: Coroutine[Any, Any, None]) -> None:
    """Servers run on it, and its streams differ from asyncio's."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def lane_test(body: Body) -> Callable[[], None]:
    """A test with a lane, in an event loop of its own."""

    async def run() -> None:
        lane = Lane()
        try:
            async with asyncio.timeout(HANGS_SECONDS):
                await body(lane)
        finally:
            await lane.close()

    def test() -> None:
        run_on_uvloop(run())

    test.__name__, test.__doc__ = body.__name__, body.__doc__
    return test


async def all_of(*answers: Awaitable[Reply]) -> list[Reply]:
    return [await answer for answer in answers]


@lane_test
async def test_a_request_is_answered(lane: Lane) -> None:
    lane.start()
    assert await lane.ask("GetItem", b'{"a":1}') == Reply(200, b'{"a":1}', None)
    assert lane.tallies.totals() == (1, 0, 0)


@lane_test
async def test_a_lane_that_starts_later_finds_what_waits(lane: Lane) -> None:
    answer = lane.ask("GetItem")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    lane.start()
    assert (await answer).status == 200


@lane_test
async def test_large_bodies_come_through_whole(lane: Lane) -> None:
    lane.start()
    body = bytes(range(256)) * (16 * 4 * KIB)
    assert len(body) == 16 * MIB
    reply = await lane.ask("PutItem", body)
    assert reply.body == body


@lane_test
async def test_a_packed_body_is_unpacked_there(lane: Lane) -> None:
    lane.start()
    assert (await lane.ask("PutItem", gzip.compress(b"{}"), coding=b"gzip")).body == b"{}"
    assert (await lane.ask("PutItem", b"broken", coding=b"gzip")).error == "InternalServerError"
    assert lane.service.asked == [("PutItem", 2)]


@lane_test
async def test_a_service_that_raises_is_answered(lane: Lane) -> None:
    lane.start()
    assert (await lane.ask("Fail")).status == 500
    assert (await lane.ask("GetItem")).status == 200


@lane_test
async def test_a_request_that_cannot_be_handed_on_holds_up_no_other(lane: Lane) -> None:
    """It is answered like any other fault, and the lane is free for those behind it."""
    lane.start()
    spoiled = Request("GetItem", b"{}", WHO._replace(arn=object()), "ID")  # type: ignore[arg-type]
    first, second = await all_of(lane.client.submit(spoiled), lane.ask("GetItem", b"[]"))
    assert (first.status, first.error) == (500, "InternalServerError")
    assert second.body == b"[]"


@lane_test
async def test_sources_take_turns(lane: Lane) -> None:
    """One connection with many large requests does not keep another waiting for all of them."""
    lane.start()
    answers = [lane.ask(f"Get{number}", source="a") for number in range(3)] + [lane.ask("Getb", source="b")]
    await all_of(*answers)
    assert [operation for operation, _ in lane.service.asked] == ["Get0", "Getb", "Get1", "Get2"]


@lane_test
async def test_what_is_too_much_is_refused_at_once(lane: Lane) -> None:
    for _ in range(LANE_REQUESTS_MAX):
        lane.ask("GetItem")
    with pytest.raises(ClientError) as refused:
        lane.ask("GetItem")
    assert refused.value.code == "ThrottlingException"
    assert lane.tallies.totals().refused == 1


@lane_test
async def test_bodies_that_are_too_large_together_are_refused(lane: Lane) -> None:
    body = bytes(16 * MIB)
    for _ in range(4):
        lane.ask("PutItem", body)
    with pytest.raises(ClientError):
        lane.ask("PutItem", b"x")


@lane_test
async def test_what_waits_too_long_is_refused(lane: Lane) -> None:
    """Nothing takes it: the one that was sent to the lane, and the one behind it."""
    answers = [lane.ask("GetItem"), lane.ask("GetItem")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    lane.now += LANE_WAIT_SECONDS_MAX
    lane.client._look()
    assert [reply.error for reply in await all_of(*answers)] == ["ThrottlingException"] * 2


@lane_test
async def test_a_write_that_had_begun_does_not_begin_again(lane: Lane) -> None:
    """What became of it is not known; the one behind it had not begun."""
    lane.start()
    begun, behind = lane.ask("StopPut"), lane.ask("PutItem")
    await lane.begun(1)
    await lane.die()
    lane.start()
    assert [reply.status for reply in await all_of(begun, behind)] == [500, 200]


@lane_test
async def test_a_read_begins_again_once(lane: Lane) -> None:
    """A request that kills every process that it comes to must come to an end."""
    lane.service.handle = _Deadly(lane.service).handle  # type: ignore[method-assign]
    lane.start()
    answer = lane.ask("GetItem")
    for number in (1, 2):
        await lane.begun(number)
        await lane.die()
        lane.start()
    assert (await answer).error == "InternalServerError"
    assert len(lane.service.asked) == 2


class _Deadly:
    """A service that never answers."""

    def __init__(self, service: Echo) -> None:
        self._service = service

    def handle(self, request: Request) -> Any:
        self._service.asked.append((request.operation, 0))
        return asyncio.get_running_loop().create_future()


@lane_test
async def test_a_lane_that_has_grown_ends_between_two_requests(lane: Lane) -> None:
    """Its successor takes what was not begun."""
    lane.grown = True
    lane.start()
    first, second = lane.ask("GetItem"), lane.ask("PutItem")
    assert (await first).status == 200
    assert lane.task is not None
    await lane.task
    lane.grown = False
    lane.start()
    assert (await second).status == 200


@lane_test
async def test_a_lane_that_nobody_uses_ends(lane: Lane) -> None:
    lane.start()
    assert (await lane.ask("GetItem")).status == 200
    lane.now += client_module.IDLE_SECONDS
    lane.client._look()
    assert lane.task is not None
    await lane.task
    again = lane.ask("GetItem")
    lane.start()
    assert (await again).status == 200


@lane_test
async def test_a_lane_that_is_told_to_end_does_so_when_it_is_let_go(lane: Lane) -> None:
    lane.start()
    waiting = lane.ask("StopPut")
    await lane.begun(1)
    assert lane.answering is not None
    lane.answering.stop()
    lane.service.go.set()
    assert (await waiting).status == 200
    lane.client.close()
    assert lane.task is not None
    await lane.task


@lane_test
async def test_the_principal_comes_along(lane: Lane) -> None:
    seen: list[Request] = []

    def handle(request: Request) -> Reply:
        seen.append(request)
        return Reply(400, orjson.dumps({}), "ValidationException")

    lane.service.handle = handle  # type: ignore[method-assign]
    lane.start()
    assert await lane.ask("GetItem") == Reply(400, b"{}", "ValidationException")
    assert (seen[0].principal, seen[0].request_id, seen[0].operation) == (WHO, "ID", "GetItem")


class _Writing:
    """A service that answers with what became of two updates."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    def handle(self, request: Request) -> Any:
        return asyncio.ensure_future(self._write())

    async def _write(self) -> Reply:
        assert self._lane.answering is not None
        self._lane.service.asked.append(("", 0))
        outcomes = await asyncio.gather(*(self._lane.answering.write(b"done ", update) for update in (b"one", b"two")))
        return Reply(200, b",".join(outcomes), None)


@lane_test
async def test_the_worker_makes_the_updates_of_a_lane(lane: Lane) -> None:
    lane.service.handle = _Writing(lane).handle  # type: ignore[method-assign]
    lane.start()
    assert (await lane.ask("TransactWriteItems")).body == b"done one,done two"
    assert lane.written == [b"one", b"two"]


@lane_test
async def test_a_lane_outlives_a_worker_that_was_to_write(lane: Lane) -> None:
    lane.service.handle, handle = _Writing(lane).handle, lane.service.handle  # type: ignore[method-assign]
    lane.may_write.clear()
    lane.start()
    lane.ask("TransactWriteItems")
    await lane.begun(1)
    lane.client.close()
    lane.may_write.set()
    lane.service.handle = handle  # type: ignore[method-assign]
    other = LaneClient([lane.door], lane.tallies.of_worker(0), lambda: lane.now)
    assert (await other.submit(Request("GetItem", b"{}", WHO, "ID"))).status == 200
    other.close()


def test_a_lane_that_is_free_is_asked_before_one_that_answers_another_worker() -> None:
    async def run() -> None:
        doors, tallies = [Door(), Door()], LaneTallies(1, 2)
        client = LaneClient(doors, tallies.of_worker(0), lambda: 0.0)
        tallies.set_busy(0, True)
        service = Echo()
        answering = Answering(doors[1], lambda: False, partial(tallies.set_busy, 1), linger_seconds=0.01)
        task = asyncio.create_task(answering.run(service))
        assert (await client.submit(Request("GetItem", b"{}", WHO, "ID"))).status == 200
        assert not tallies.is_busy(1)
        client.close()
        await task
        for door in doors:
            door.close()

    run_on_uvloop(run())


def test_a_stream_that_ends_while_it_is_connected_closes_its_descriptor_once() -> None:
    """A second time would close whatever has its number by then."""

    async def run() -> None:
        near, far = socket.socketpair()
        stream = FrameStream(lambda frame: None, lambda: None)
        connecting = asyncio.create_task(stream.connect(near))
        await asyncio.sleep(0)
        stream.abort()
        await connecting
        await asyncio.sleep(0.01)
        others = [os.open(os.devnull, os.O_RDONLY) for _ in range(4)]
        del near, stream, connecting
        gc.collect()
        for other in others:
            os.close(other)  # raises OSError where it is closed
        far.close()

    run_on_uvloop(run())


@lane_test
async def test_an_answer_that_is_too_large_is_told_of(lane: Lane) -> None:
    told: list[str] = []
    lane.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answering_module, "BODY_BYTES_MAX", 10)
        patch.setattr(answering_module.log, "error", lambda text, **facts: told.append(text))
        reply = await lane.ask("Get", b"x" * 11)
    assert (reply.status, told) == (500, ["an answer is too large"])
