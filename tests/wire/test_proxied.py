"""The PROXY protocol: what a proxy says, no byte more than its header, and nothing else in its place."""

import asyncio
import ipaddress
import socket
import struct

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pace import HANGS_SECONDS
from tests.wire.driver import Clock, FakeService, Wire, signed

from statordb.model.request import Origin
from statordb.wire import listener as listener_module
from statordb.wire.listener import Listener
from statordb.wire.proxied import SIGNATURE, NotProxied, Told, read_header


def fact(kind: int, value: bytes) -> bytes:
    return struct.pack(">BH", kind, len(value)) + value


def binary(command: int, family: int, body: bytes) -> bytes:
    return SIGNATURE + struct.pack(">BBH", command, family, len(body)) + body


V4 = socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.9") + struct.pack(">HH", 1, 2)
V6 = socket.inet_pton(socket.AF_INET6, "2001:db8::1") * 2 + struct.pack(">HH", 1, 2)
VERIFIED, NOT_VERIFIED = b"\0\0\0\0", b"\0\0\0\1"


def told(data: bytes) -> Told:
    """What is told by bytes, of which those behind the header must be left."""
    rest = bytearray(data + b"POST")

    async def read(count: int) -> bytes:
        if len(rest) < count:
            raise EOFError
        found = bytes(rest[:count])
        del rest[:count]
        return found

    found = asyncio.run(read_header(read))
    assert rest == b"POST"
    return found


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"PROXY TCP4 192.0.2.1 192.0.2.9 1 2\r\n", Told("192.0.2.1")),
        (b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", Told("2001:db8::1")),
        (b"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", Told("192.0.2.1")),
        (b"PROXY UNKNOWN\r\n", Told()),
        (b"PROXY UNKNOWN what ever it says\r\n", Told()),
        (binary(0x21, 0x11, V4), Told("192.0.2.1")),
        (binary(0x21, 0x21, V6), Told("2001:db8::1")),
        (binary(0x20, 0x00, b""), Told()),
        (binary(0x20, 0x11, V4), Told()),
        (binary(0x21, 0x00, b"anything"), Told()),
        (binary(0x21, 0x31, b"x" * 216), Told()),
        (binary(0x21, 0x11, V4 + fact(0x04, b"padding")), Told("192.0.2.1")),
        (binary(0x21, 0x11, V4 + fact(0x20, b"\1" + VERIFIED)), Told("192.0.2.1", True)),
        (binary(0x21, 0x11, V4 + fact(0x20, b"\0" + VERIFIED)), Told("192.0.2.1")),
        (
            binary(0x21, 0x11, V4 + fact(0x20, b"\1" + VERIFIED + fact(0x21, b"TLSv1.3") + fact(0x23, b"SUITE"))),
            Told("192.0.2.1", True, None, ("TLSv1.3", "SUITE")),
        ),
        (
            binary(0x21, 0x11, V4 + fact(0x20, b"\7" + VERIFIED + fact(0x22, b"alice"))),
            Told("192.0.2.1", True, "alice"),
        ),
        (binary(0x21, 0x11, V4 + fact(0x20, b"\7" + NOT_VERIFIED + fact(0x22, b"eve"))), Told("192.0.2.1", True)),
    ],
)
def test_what_a_proxy_says(data: bytes, expected: Told) -> None:
    assert told(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"POST / HTTP/1.1\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.9 1\r\n",
        b"PROXY TCP4 2001:db8::1 ::1 1 2\r\n",
        b"PROXY TCP4 localhost 192.0.2.9 1 2\r\n",
        b"PROXY UDP4 192.0.2.1 192.0.2.9 1 2\r\n",
        b"PROXY  TCP4 192.0.2.1 192.0.2.9 1 2\r\n",
        b"PROXY UNKNOWN".ljust(107) + b"\r\n",
        binary(0x22, 0x11, V4),
        binary(0x11, 0x11, V4),
        binary(0x21, 0x11, V4[:-1]),
        binary(0x21, 0x21, V4),
        binary(0x21, 0x11, V4 + b"\1"),
        binary(0x21, 0x11, V4 + b"\1\0\5abc"),
        binary(0x21, 0x11, V4 + b"x" * 2049),
    ],
)
def test_what_is_no_header_is_refused(data: bytes) -> None:
    with pytest.raises(NotProxied):
        told(data)


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=60).map(lambda rest: SIGNATURE + rest)))
def test_any_bytes_are_a_header_or_none(data: bytes) -> None:
    try:
        told(data)
    except (NotProxied, EOFError):
        pass


class Served:
    """A listener on uvloop, and what it let in."""

    def __init__(self, proxies: str) -> None:
        self.service = FakeService()
        self.proxies = [ipaddress.ip_network(proxies)]

    async def asked(self, data: bytes) -> bytes:
        """All that is answered to bytes."""
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        listener = Listener(listening, Wire(Clock(), self.service).context, proxies=self.proxies)
        listener.start()
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(data)
        writer.write_eof()
        try:
            answer = await reader.read()
        except ConnectionResetError:  # what was sent is not read to its end
            answer = b""
        writer.close()
        await listener.stop(HANGS_SECONDS)
        listening.close()
        return answer


HEADER = b"PROXY TCP4 192.0.2.1 192.0.2.9 1 2\r\n"


def test_the_address_is_what_the_proxy_says() -> None:
    served = Served("127.0.0.0/8")
    assert uvloop.run(served.asked(HEADER + signed())).startswith(b"HTTP/1.1 200 ")
    assert served.service.requests[0].origin == Origin("192.0.2.1")
    tls = binary(0x21, 0x11, V4 + fact(0x20, b"\7" + VERIFIED + fact(0x22, b"alice")))
    assert uvloop.run(served.asked(tls + signed())).startswith(b"HTTP/1.1 200 ")
    assert served.service.requests[1].origin == Origin("192.0.2.1", secure=True, client_name="alice")


def test_who_is_no_proxy_can_tell_no_other_address() -> None:
    served = Served("192.0.2.0/24")
    assert uvloop.run(served.asked(HEADER + signed())).startswith(b"HTTP/1.1 400 ")
    assert not served.service.requests
    assert uvloop.run(served.asked(signed())).startswith(b"HTTP/1.1 200 ")
    assert served.service.requests[0].origin == Origin("127.0.0.1")


def test_a_proxy_that_says_nothing_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that sends something else, nor one that stalls."""
    monkeypatch.setattr(listener_module, "PROXY_HEADER_SECONDS", 0.05)
    served = Served("127.0.0.0/8")
    for data in (signed(), HEADER[:-1], HEADER[:5], b""):
        assert uvloop.run(served.asked(data)) == b""
    assert not served.service.requests
