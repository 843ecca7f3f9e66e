"""Where requests come from, as the service is told."""

import asyncio
import socket

import pytest
import uvloop
from tests.pace import HANGS_SECONDS
from tests.wire.driver import Clock, FakeService, MockTransport, Wire, signed

from statordb.model.request import Origin
from statordb.wire.connection import Connection
from statordb.wire.listener import Listener
from statordb.wire.origin import plain_address


def test_all_requests_of_a_connection_share_one_origin() -> None:
    service = FakeService()
    wire = Wire(Clock(), service)
    origin = Origin("192.0.2.1", True, "vpce-1", "vpc-1")
    connection = Connection(wire.context, origin)
    connection.connection_made(MockTransport())
    connection.data_received(signed() + signed("Query"))
    assert [request.origin is origin for request in service.requests] == [True, True]


def test_what_a_client_says_of_itself_is_its_requests() -> None:
    """It may change from one request to the next, and a changed entrance does not take it away."""
    service = FakeService()
    wire = Wire(Clock(), service)
    connection = Connection(wire.context, Origin("192.0.2.1", True, "vpce-1", "vpc-1"))
    connection.connection_made(MockTransport())
    one, two = {"User-Agent": "one"}, {"User-Agent": "two", "Referer": "https://page"}
    connection.data_received(b"".join(signed(headers=said) for said in (one, one, two, {})))
    connection.change(Origin("", True, "vpce-1", policy="new"))
    connection.data_received(signed(headers=two))
    told = [(request.origin.agent, request.origin.referer, request.origin.policy) for request in service.requests]
    page = ("two", "https://page")
    assert told == [("one", "", None), ("one", "", None), (*page, None), ("", "", None), (*page, "new")]
    assert service.requests[0].origin is service.requests[1].origin


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_addresses_have_one_form(text: str, plain: str) -> None:
    assert plain_address(text) == plain


def test_a_listener_tells_the_peers_address() -> None:
    service = FakeService()

    async def ask() -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        listener = Listener(listening, Wire(Clock(), service).context)
        listener.start()
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(signed())
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await listener.stop(HANGS_SECONDS)
        listening.close()

    uvloop.run(ask())
    assert service.requests[0].origin == Origin("127.0.0.1")
