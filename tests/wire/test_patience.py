"""Slow, idle and stuck clients, by a clock that the test moves; draining."""

import asyncio
from collections.abc import Callable

from tests.wire.driver import Clock, FakeService, Wire, raw, signed, split_answers

from statordb.model.request import Reply
from statordb.wire.context import SWEPT_MAX
from statordb.wire.discards import DISCARDED_BYTES_SECOND
from statordb.wire.settings import WireSettings


def test_an_idle_connection_is_closed_in_silence(wire: Wire) -> None:
    connection, transport = wire.connect()
    connection.data_received(signed())
    wire.pass_time(118)
    assert not transport.closed
    connection.data_received(signed())  # starts the wait anew
    wire.pass_time(118)
    assert not transport.closed
    wire.pass_time(4)
    assert transport.closed
    assert [answer.status for answer in split_answers(transport.out)] == [200, 200]


def test_slow_headers_are_answered_408(wire: Wire) -> None:
    connection, transport = wire.connect()
    for byte in b"POST / HTTP/1.1\r\nhost: a":  # a byte a second is no progress
        connection.data_received(bytes([byte]))
        wire.pass_time(1)
    assert [answer.status for answer in split_answers(transport.out)] == [408]
    wire.pass_time(12)
    assert transport.aborted


def test_a_body_must_get_on(make_wire: Callable[..., Wire]) -> None:
    """By what comes, not by its size: a large one may take as long as it likes, a byte now and then is nothing."""
    wire = make_wire(settings=WireSettings(body_seconds=5, body_progress_bytes=100))
    steady, slow = wire.connect(), wire.connect()
    for connection, _ in (steady, slow):
        connection.data_received(raw("POST", "/", {"Content-Length": "50000"}))
    for _ in range(100):
        steady[0].data_received(b" " * 100)
        slow[0].data_received(b" ")
        wire.pass_time(4)
    assert steady[1].out == b""
    assert split_answers(slow[1].out)[0].status == 408


def test_a_slow_service_is_waited_for(wire: Wire) -> None:
    connection, transport = wire.connect()
    connection.data_received(signed("Slow"))
    wire.pass_time(1000)
    assert not transport.closed
    wire.service.futures[0].finish(Reply(200, b"{}"))
    assert split_answers(transport.out)[0].status == 200


def test_a_peer_that_takes_nothing_is_aborted(wire: Wire) -> None:
    connection, transport = wire.connect()
    transport.waiting = 1000
    connection.pause_writing()
    wire.pass_time(59)
    transport.waiting = 999  # it took something
    wire.pass_time(59)
    assert not transport.closed
    wire.pass_time(5)
    assert transport.aborted


def test_a_refused_client_may_not_send_for_ever(make_wire: Callable[..., Wire]) -> None:
    wire = make_wire(settings=WireSettings(linger_bytes_max=10_000))
    connection, transport = wire.connect()
    connection.data_received(raw("POST", "/", {"Content-Length": "99999999"}))
    connection.data_received(b"x" * 10_000)
    assert not transport.aborted
    connection.data_received(b"x")
    assert transport.aborted


def test_what_refused_clients_send_is_read_at_a_pace(make_wire: Callable[..., Wire]) -> None:
    """Together: two that send 16 MB each as fast as they can would keep two cores busy with nothing."""
    timers: list[tuple[float, Callable[[], None]]] = []
    wire = make_wire(after=lambda seconds, call: timers.append((seconds, call)))
    piece = b"x" * (DISCARDED_BYTES_SECOND // 64)
    refused = [wire.connect() for _ in range(2)]
    for connection, transport in refused:
        connection.data_received(raw("POST", "/", {"Content-Length": "99999999"}))
        assert split_answers(transport.out)[0].status == 413
        assert transport.reading
        connection.data_received(piece)
        assert not transport.reading
    assert [round(seconds * 64, 1) for seconds, _ in timers] == [1, 2]
    wire.clock.now += 1
    for _, call in timers:
        call()
    assert all(transport.reading for _, transport in refused)
    refused[0][0].data_received(piece)
    assert round(timers[2][0] * 64, 1) == 1  # what has passed is no store of room
    refused[0][0].connection_lost(None)
    timers[2][1]()  # which comes too late


def test_the_date_of_answers_moves(wire: Wire) -> None:
    first = wire.send(signed())[0].headers["date"]
    wire.pass_time(2)
    assert wire.send(signed())[0].headers["date"] != first


def test_draining_answers_what_is_in_flight(wire: Wire) -> None:
    idle, busy, partial = (wire.connect() for _ in range(3))
    request = signed()
    busy[0].data_received(signed("Slow"))
    partial[0].data_received(request[:50])

    async def drain() -> None:
        draining = asyncio.ensure_future(wire.context.drain(60))
        await asyncio.sleep(0)
        assert [transport.closed for _, transport in (idle, busy, partial)] == [True, False, False]
        wire.service.futures[0].finish(Reply(200, b"{}"))
        partial[0].data_received(request[50:])
        for connection, transport in (idle, busy, partial):
            assert transport.closed
            connection.connection_lost(None)
        await draining

    asyncio.run(drain())
    for _, transport in (busy, partial):
        (answer,) = split_answers(transport.out)
        assert (answer.status, answer.headers["connection"]) == (200, "close")


def test_draining_ends_at_its_limit(wire: Wire) -> None:
    connection, transport = wire.connect()
    connection.data_received(signed("Slow"))
    asyncio.run(wire.context.drain(0))
    assert transport.aborted
    _, late = wire.connect()
    assert late.closed


def test_many_connections_are_swept_a_few_at_a_time() -> None:
    """Thousands that are idle would hold up everybody each second."""
    ready: list[Callable[[], None]] = []
    wire = Wire(Clock(), FakeService(), defer=ready.append)
    transports = [wire.connect()[1] for _ in range(3 * SWEPT_MAX + 1)]
    wire.context.sweep()
    while ready:
        ready.pop(0)()
    wire.clock.now += 121
    counts = []
    wire.context.sweep()
    while ready:
        counts.append(sum(transport.closed for transport in transports))
        ready.pop(0)()
    assert counts == [SWEPT_MAX, 2 * SWEPT_MAX, 3 * SWEPT_MAX]
    assert all(transport.closed for transport in transports)


def test_clients_are_let_go_with_their_next_answers(wire: Wire) -> None:
    """As many as that, idle ones not before they ask."""
    idle, asking, another = (wire.connect() for _ in range(3))
    wire.context.let_go(1)
    for connection, _ in (asking, another):
        connection.data_received(signed())
    (last,), (other,) = (split_answers(transport.out) for _, transport in (asking, another))
    assert (last.headers["connection"], asking[1].closed) == ("close", True)
    assert (other.headers["connection"], another[1].closed) == ("keep-alive", False)
    assert not idle[1].closed
    wire.context.let_go(None)
    _, late = wire.connect()
    assert not late.closed, "who has just come is answered first"
    wire.context.let_go(0)
    connection, transport = idle
    connection.data_received(signed())
    assert not transport.closed
