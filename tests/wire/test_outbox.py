"""Held answers: in order, all of them, none after its transport closed."""

from collections.abc import Callable

from statordb.wire.outbox import REPLIES_HELD_MAX, Outbox


class Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closing = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closing


def test_without_defer_nothing_is_held() -> None:
    transport = Transport()
    Outbox().put(transport, b"a")  # type: ignore[arg-type]
    assert transport.written == [b"a"]


def test_answers_wait_for_one_deferred_flush() -> None:
    calls: list[Callable[[], None]] = []
    outbox, one, two = Outbox(calls.append), Transport(), Transport()
    for transport, data in ((one, b"a"), (two, b"b"), (one, b"c")):
        outbox.put(transport, data)  # type: ignore[arg-type]
    assert (one.written, two.written, len(calls)) == ([], [], 1)
    calls[0]()
    assert (one.written, two.written) == ([b"a", b"c"], [b"b"])


def test_the_most_that_is_held_is_bounded() -> None:
    outbox, transport = Outbox(lambda flush: None), Transport()
    for number in range(REPLIES_HELD_MAX + 1):
        outbox.put(transport, b"%d" % number)  # type: ignore[arg-type]
    assert transport.written == [b"%d" % number for number in range(REPLIES_HELD_MAX)]


def test_a_flush_that_comes_twice_writes_once() -> None:
    calls: list[Callable[[], None]] = []
    outbox, transport = Outbox(calls.append), Transport()
    outbox.put(transport, b"a")  # type: ignore[arg-type]
    outbox.flush()
    calls[0]()
    assert transport.written == [b"a"]


def test_a_transport_that_closed_meanwhile_gets_nothing() -> None:
    outbox, transport = Outbox(lambda flush: None), Transport()
    outbox.put(transport, b"a")  # type: ignore[arg-type]
    transport.closing = True
    outbox.flush()
    assert transport.written == []
