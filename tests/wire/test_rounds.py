"""Nobody holds up the others: requests that were sent ahead and large answers give way between rounds of the loop."""

import gzip
import json
import zlib
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from tests.wire.driver import Clock, FakeService, Wire, raw, signed, split_answers

from statordb.model.request import Reply
from statordb.wire.rounds import AHEAD_SECONDS, Rounds
from statordb.wire.settings import WireSettings

UNPACK: dict[str, Callable[[bytes], bytes]]
UNPACK = {"gzip": gzip.decompress, "deflate": zlib.decompress, "identity": bytes}


class Loop:
    """Callbacks that a test runs, a round at a time, as an event loop does."""

    def __init__(self) -> None:
        self.ready: deque[Callable[[], None]] = deque()

    def run_round(self) -> None:
        for _ in range(len(self.ready)):
            self.ready.popleft()()

    def run(self) -> int:
        rounds = 0
        while self.ready:
            self.run_round()
            rounds += 1
        return rounds


class WorkingService(FakeService):
    """Each request takes half of what a round has for those that were sent ahead."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.bodies: list[bytes] = []  # which a request lets go of when it is begun

    def handle(self, request: Any) -> Any:
        self.bodies.append(request.body)
        self.clock.now += AHEAD_SECONDS / 2
        return super().handle(request)


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def wire(loop: Loop) -> Wire:
    clock = Clock()
    return Wire(clock, WorkingService(clock), defer=loop.ready.append)


def operations(wire: Wire) -> list[str]:
    return [request.operation for request in wire.service.requests]


def test_what_is_sent_ahead_is_begun_in_later_rounds(wire: Wire, loop: Loop) -> None:
    one, other = wire.connect(), wire.connect()
    one[0].data_received(signed("Ahead") * 64)
    assert len(operations(wire)) <= 4  # the first, and two milliseconds
    other[0].data_received(signed("First"))
    assert operations(wire)[-1] == "First"  # it waits for none of the others
    before = len(operations(wire))
    loop.run_round()
    assert len(operations(wire)) - before <= 4
    loop.run()
    assert len(split_answers(one[1].out)) == 64
    assert len(split_answers(other[1].out)) == 1


def test_those_who_sent_ahead_take_turns(wire: Wire, loop: Loop) -> None:
    connections = [wire.connect() for _ in range(8)]
    for number, (connection, _) in enumerate(connections):
        connection.data_received(signed(f"Of{number}") * 64)
    begun = operations(wire)
    assert len(begun) <= 8 + 3  # of each the first; ahead of them two milliseconds for all together
    del wire.service.requests[:]
    for _ in range(17):  # of each connection one to read on and one to begin, and what was asked for before
        loop.run_round()
    assert len(set(operations(wire))) == 8
    assert len(operations(wire)) <= 17 * 4
    loop.run()
    assert [len(split_answers(transport.out)) for _, transport in connections] == [64] * 8


def test_answers_of_those_who_wait_keep_their_order(loop: Loop) -> None:
    clock = Clock()
    wire = Wire(clock, WorkingService(clock), defer=loop.ready.append)
    connection, transport = wire.connect()
    connection.data_received(b"".join(signed(f"{'Slow' if number % 5 == 4 else 'Op'}{number}") for number in range(30)))
    loop.run()
    for number, future in reversed(list(enumerate(wire.service.futures))):
        future.finish(Reply(200, json.dumps({"Operation": f"Slow{5 * number + 4}"}).encode()))
        loop.run()
    answers = [answer.json["Operation"] for answer in split_answers(transport.out)]
    assert answers == [f"{'Slow' if number % 5 == 4 else 'Op'}{number}" for number in range(30)]


def test_a_read_of_many_requests_is_parsed_in_slices(wire: Wire, loop: Loop) -> None:
    """The smallest requests fit by the thousands into what the transport reads at once."""
    connection, transport = wire.connect()
    wire.clock.now = 0.0
    monotonic = wire.clock
    wire.context.monotonic = lambda: setattr(monotonic, "now", monotonic.now + 0.0001) or monotonic.now  # type: ignore[func-returns-value]
    request = raw("GET", "/", {"Host": "a"})
    connection.data_received(request * 500)
    assert not transport.reading
    assert len(split_answers(transport.out)) < 200
    assert loop.run() > 10
    assert len(split_answers(transport.out)) == 500
    assert transport.reading


def test_what_was_read_and_not_parsed_goes_with_the_connection(wire: Wire, loop: Loop) -> None:
    connection, transport = wire.connect()
    connection.data_received(signed() * 100)
    assert loop.ready
    transport.closed = True
    connection.connection_lost(None)
    loop.run()
    assert len(operations(wire)) < 10


def test_parsing_waits_for_answers_when_as_many_requests_wait_as_may(loop: Loop) -> None:
    clock = Clock()
    wire = Wire(clock, FakeService(), defer=loop.ready.append, settings=WireSettings(pipeline_requests_max=10))
    connection, transport = wire.connect()
    connection.data_received(signed("Slow") * 100)
    loop.run()
    assert not transport.reading
    assert len(wire.service.futures) == 10
    number = 0
    while number < len(wire.service.futures):
        wire.service.futures[number].finish(Reply(200, b"{}"))
        loop.run()
        number += 1
    assert number == 100
    assert len(split_answers(transport.out)) == 100
    assert transport.reading


@pytest.mark.parametrize("size", [4095, 4096, 4097, 70_000, 300_000])
def test_bodies_across_slices_come_whole(wire: Wire, loop: Loop, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    connection, transport = wire.connect()
    connection.data_received(signed("PutItem", body) * 3)
    loop.run()
    assert isinstance(wire.service, WorkingService)
    assert wire.service.bodies == [body] * 3
    assert len(split_answers(transport.out)) == 3


def test_a_client_that_is_refused_amid_a_read_is_not_parsed_on(wire: Wire, loop: Loop) -> None:
    connection, transport = wire.connect()
    connection.data_received(signed() + b"bad\x01\r\n" + signed() * 100)
    loop.run()
    assert [answer.status for answer in split_answers(transport.out)] == [200, 400]
    assert operations(wire) == ["GetItem"]


def test_a_connection_that_is_lost_while_it_waits_begins_nothing(wire: Wire, loop: Loop) -> None:
    connection, transport = wire.connect()
    connection.data_received(signed("Ahead") * 64)
    begun = len(operations(wire))
    transport.closed = True
    connection.connection_lost(None)
    loop.run()
    assert len(operations(wire)) == begun
    assert wire.context.admission.held_bytes == 0


def test_a_client_that_leaves_its_half_open_is_answered_all(wire: Wire, loop: Loop) -> None:
    connection, transport = wire.connect()
    connection.data_received(signed("Ahead") * 20)
    assert connection.eof_received()
    loop.run()
    assert len(split_answers(transport.out)) == 20
    assert transport.closed


@pytest.mark.parametrize("coding", ["identity", "gzip", "deflate"])
@pytest.mark.parametrize("size", [32 * 1024, 32 * 1024 + 1, 1_000_000, 3_000_001])
def test_a_large_answer_leaves_in_slices(wire: Wire, loop: Loop, coding: str, size: int) -> None:
    wire.service.body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    one, other = wire.connect(), wire.connect()
    request = signed(headers={"Accept-Encoding": coding})
    one[0].data_received(request)
    one[0].data_received(request)  # in order, behind the first
    other[0].data_received(signed("Slow"))
    loop.run()
    first, second = split_answers(one[1].out)
    for answer in (first, second):
        unpack = {"gzip": gzip.decompress, "deflate": zlib.decompress}.get(
            answer.headers.get("content-encoding", ""), bytes
        )
        assert unpack(answer.body) == wire.service.body
        assert answer.headers["x-amz-crc32"] == str(zlib.crc32(answer.body))
    assert [seen[0] for seen in wire.observed] == ["GetItem", "GetItem"]


def test_packing_gives_way(wire: Wire, loop: Loop) -> None:
    """A slice a round of the loop, so that others are served between."""
    wire.service.body = b"x" * 1_000_000
    connection, transport = wire.connect()
    connection.data_received(signed(headers={"Accept-Encoding": "gzip"}))
    assert transport.out == b""
    assert loop.run() > 1_000_000 // 32 // 1024
    assert split_answers(transport.out)[0].headers["content-encoding"] == "gzip"


def test_a_large_answer_waits_for_a_client_that_takes_nothing(wire: Wire, loop: Loop) -> None:
    wire.service.body = b"x" * 3_000_000
    connection, transport = wire.connect()
    connection.data_received(signed())
    connection.pause_writing()
    written = len(transport.out)
    loop.run()
    assert len(transport.out) == written
    connection.resume_writing()
    loop.run()
    assert split_answers(transport.out)[0].body == wire.service.body


def test_a_large_last_answer_is_written_before_the_end(wire: Wire, loop: Loop) -> None:
    wire.service.body = b"x" * 3_000_000
    for last in ({"Connection": "close"}, {}):
        connection, transport = wire.connect()
        connection.data_received(signed(headers=last))
        if not last:
            connection.drain()
            connection.eof_received()
        assert not transport.closed
        loop.run()
        assert split_answers(transport.out)[0].body == wire.service.body
        assert transport.closed


def test_a_connection_that_is_lost_amid_its_answer_writes_no_more(wire: Wire, loop: Loop) -> None:
    wire.service.body = b"x" * 3_000_000
    connection, transport = wire.connect()
    connection.data_received(signed())
    transport.closed = True
    connection.connection_lost(None)
    loop.run()


def test_answers_that_wait_for_others_are_bounded(make_wire: Callable[..., Wire]) -> None:
    wire = make_wire(settings=WireSettings(answers_bytes_max=100_000))
    wire.service.body = b"x" * 30_000
    connection, transport = wire.connect()
    connection.data_received(signed("Slow") + signed() * 30)
    assert len(wire.service.requests) == 1 + 4  # the last of them goes beyond the bound
    wire.service.futures[0].finish(Reply(200, b"{}"))
    assert len(split_answers(transport.out)) == 31


class Slices:
    """Turns that are shared with slices of others: one is given at once while none is taken, else when a test says."""

    def __init__(self) -> None:
        self.taken = False
        self.waiting: deque[Callable[[], None]] = deque()

    def __call__(self, source: object, work: Callable[[], None]) -> None:
        if self.taken:
            self.waiting.append(work)
        else:
            self.taken = True
            work()

    def give(self) -> None:
        self.waiting.popleft()()


def test_time_is_given_anew_in_each_turn(loop: Loop) -> None:
    clock, slices = Clock(), Slices()
    rounds = Rounds(clock, loop.ready.append, slices)
    began = clock.now
    assert rounds.allows(began)
    assert rounds.allows(began + AHEAD_SECONDS / 2)
    clock.now = began + AHEAD_SECONDS
    assert not rounds.allows(clock.now)
    loop.run()
    assert not rounds.allows(clock.now)  # a round of the loop is no turn
    assert len(slices.waiting) == 1  # and it was asked for once
    slices.give()
    assert rounds.allows(clock.now)
    assert not slices.waiting


def test_nobody_sends_ahead_while_a_slice_runs(loop: Loop) -> None:
    clock, slices = Clock(), Slices()
    slices.taken = True
    rounds, done = Rounds(clock, loop.ready.append, slices), []
    assert not rounds.allows(clock.now)
    rounds.later(lambda: done.append(1))
    loop.run()
    assert not done
    slices.give()
    assert done == [1]


def test_what_waits_is_not_begun_within_the_call(loop: Loop) -> None:
    """Who asks for a later round is in the middle of something."""
    rounds, done = Rounds(Clock(), loop.ready.append, Slices()), []
    rounds.later(lambda: done.append(1))
    assert not done
    loop.run()
    assert done == [1]


def test_each_turn_is_that_of_each_who_waits_as_far_as_there_is_time(loop: Loop) -> None:
    clock, done = Clock(), []
    rounds = Rounds(clock, loop.ready.append)

    def work(name: str, times: int) -> None:
        done.append(name)
        clock.now += AHEAD_SECONDS / 2
        if times > 1:
            rounds.later(lambda: work(name, times - 1))

    for name in "abc":
        rounds.later(lambda name=name: work(name, 2))
    for expected in ("ab", "abca", "abcabc"):
        loop.run_round()
        assert "".join(done) == expected
    assert not loop.ready


def test_without_a_loop_nothing_waits() -> None:
    rounds, done = Rounds(Clock()), []
    rounds.later(lambda: rounds.later(lambda: done.append(1)))
    assert done == [1]
    assert rounds.allows(0.0)
    assert rounds.allows(99.0)


def test_who_waits_for_a_turn_to_be_read_is_not_slow(loop: Loop, wire: Wire) -> None:
    """All of it has come; that a busy server has not got to it yet is not the client's fault."""
    connection, transport = wire.connect()
    connection.data_received(signed(body=b'{"a":"%b"}' % (b"x" * 30_000)))
    wire.pass_time(30)
    assert transport.out == b""
    loop.run()
    assert [answer.status for answer in split_answers(transport.out)] == [200]
