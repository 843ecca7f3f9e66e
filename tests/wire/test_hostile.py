"""Whatever one client sends or asks for, the wire gives the others their turn: `tests/stalls.py` judges each test here.

On asyncio's own loop and real sockets: libuv's reads are larger, but all that is done between them is the same.
"""

import asyncio
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from tests.pace import HANGS_SECONDS
from tests.wire.driver import Clock, FakeService, Wire, raw, signed

from statordb.model.limits import MIB
from statordb.model.request import Reply, Request
from statordb.wire.connection import Connection
from statordb.wire.settings import WireSettings

Ask = Callable[[bytes, int], bytes]

LARGE = b'{"a": "'.ljust(16 * MIB - 2, b"x") + b'"}'


class Answering(FakeService):
    """Answers with `reply`, whatever it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.reply = Reply(200, b"{}")

    def handle(self, request: Request) -> Reply:
        self.requests.append(request)
        return self.reply


@pytest.fixture
def service() -> Answering:
    return Answering()


@pytest.fixture
def ask(service: Answering) -> Iterator[Ask]:
    """Sends bytes on a connection of its own, and gives back what has come once there are so many answers."""
    loop = asyncio.new_event_loop()
    settings = WireSettings(unpacked_inline_bytes_max=65_536)
    wire = Wire(Clock(), service, settings=settings, defer=loop.call_soon, monotonic=time.monotonic)
    server = loop.run_until_complete(loop.create_server(lambda: Connection(wire.context), "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def ask(data: bytes, answers: int) -> bytes:
        with socket.create_connection(server.sockets[0].getsockname(), timeout=HANGS_SECONDS) as client:
            sending = threading.Thread(target=client.sendall, args=(data,))
            sending.start()
            got = bytearray()
            count = 0
            while count < answers or not _is_whole(got):
                more = client.recv(MIB)
                if not more:
                    break
                count += (got[-20:] + more).count(b"HTTP/1.1 ") - got[-20:].count(b"HTTP/1.1 ")
                got += more
            sending.join()
        return bytes(got)

    yield ask
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def _is_whole(got: bytearray) -> bool:
    """Whether the last answer has come to its end."""
    head, found, body = got[got.rfind(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
    size = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return bool(found) and len(body) >= int(size or 0)


PACKED = {"Content-Encoding": "gzip"}
# Signed when they are sent: a signature is good for 15 minutes, and tests may wait for longer.
REQUESTS: dict[str, tuple[Callable[[], bytes], int]] = {
    "the smallest": (lambda: raw("GET", "/", {"Host": "a"}) * 3000, 3000),
    "signed": (lambda: signed() * 300, 300),
    "of 100 KB": (lambda: signed("PutItem", b"{}".ljust(100_000)) * 20, 20),
    "of empty members": (lambda: signed("ListTables", gzip.compress(b"") * 20_000 + gzip.compress(b"{}"), PACKED), 1),
    "of few empty members": (lambda: signed("ListTables", gzip.compress(b"") * 3000 + gzip.compress(b"{}"), PACKED), 1),
    "with much inside": (lambda: signed("PutItem", gzip.compress(LARGE[:MIB]), PACKED), 1),
}


@pytest.mark.parametrize(("make", "answers"), REQUESTS.values(), ids=REQUESTS.keys())
def test_requests(ask: Ask, make: Callable[[], bytes], answers: int) -> None:
    """As many answers as requests can be told apart: one more or less, and what follows is answered for another."""
    assert ask(make(), answers).count(b"HTTP/1.1 ") == answers


@pytest.mark.slow
@pytest.mark.parametrize("operation", ["BatchWriteItem", "PutItem"])
def test_a_body_of_the_greatest_size_and_one_beyond(ask: Ask, service: Answering, operation: str) -> None:
    size = 16 * MIB if operation == "BatchWriteItem" else 8 * MIB
    assert ask(signed(operation, LARGE[:size]), 1).startswith(b"HTTP/1.1 200 ")
    assert len(service.requests[0].body) == size


@pytest.mark.slow
@pytest.mark.parametrize("size", [MIB, 16 * MIB])
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_large_answer(ask: Ask, service: Answering, size: int, coding: str) -> None:
    """Whole, packed or not, however many writes of the transport it takes."""
    service.reply = Reply(200, LARGE[-size:])
    assert ask(signed("BatchGetItem", headers={"Accept-Encoding": coding}), 1).startswith(b"HTTP/1.1 200 ")
