"""Where requests come in, and what is known of them by that."""

import asyncio
import socket
from pathlib import Path

import pytest
import uvloop
from tests.pace import HANGS_SECONDS
from tests.wire.driver import Clock, FakeService, MockTransport, Wire, signed

from statordb.model.request import Origin
from statordb.server.endpoint_policies import PolicyFile
from statordb.server.entrances import Entrance, Listeners, entrances_of
from statordb.server.setting_values import VpcEndpoint
from statordb.server.settings import BadStart, Settings
from statordb.wire.connection import Connection

ALLOW = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}'
DENY = ALLOW.replace("Allow", "Deny")


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    (tmp_path / "policy.json").write_text(ALLOW)
    return tmp_path / "policy.json"


def settings(policy: Path, **others: object) -> Settings:
    return Settings(endpoints=(VpcEndpoint("vpce-1", "vpc-2", 0, "", policy),), **others)  # type: ignore[arg-type]


def close(entrances: tuple[Entrance, ...]) -> None:
    for entrance in entrances:
        entrance.socket.close()


def test_each_endpoint_is_a_listener(policy: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as main:
        first, endpoint = found = entrances_of(settings(policy), main, False)
    assert first.origin == Origin()
    assert endpoint.origin[:4] == ("", False, "vpce-1", "vpc-2")
    assert endpoint.origin.policy.text == ALLOW
    assert endpoint.port != 0
    close(found)


def test_functions_and_the_console_have_an_entrance_where_tls_is_spoken(policy: Path) -> None:
    """On loopback: they neither know an authority of ours nor have a certificate."""
    with socket.create_server(("127.0.0.1", 0)) as main:
        *others, last = found = entrances_of(settings(policy, tls="auto"), main, True)
        assert [entrance.encrypted for entrance in found] == [True, True, False]
        assert (last.socket.getsockname()[0], last.origin) == ("127.0.0.1", Origin(secure=True))
        assert all(entrance.origin.secure for entrance in others)
        close(found)
    with socket.create_server(("127.0.0.1", 0)) as main:
        without = entrances_of(settings(policy, tls="auto", functions="off", console=False), main, True)
        assert [entrance.encrypted for entrance in without] == [True, True]
        close(without)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "can't be read: No such file"),
        ("{}", r"is none: Syntax errors in policy. \(Statement\)"),
        ('{"Statement": [', r"is none: Syntax errors in policy. \(line 1, column 16: "),
        ('{"Statement": [{"Effect": "Allowed"}]}', r"\(Statement\[0\].Effect\)"),
        ("\xff", "is none: "),
    ],
)
def test_an_endpoint_without_its_policy_does_not_start(policy: Path, content: str | None, said: str) -> None:
    policy.unlink()
    if content is not None:
        policy.write_bytes(content.encode("latin-1"))
    with pytest.raises(BadStart, match=said):
        PolicyFile(policy)


def test_a_policy_that_changes_is_taken_and_a_bad_one_is_not(policy: Path) -> None:
    file = PolicyFile(policy)
    assert not file.look()
    for bad in ("{}", ""):
        policy.write_text(bad)
        assert not file.look()
        assert file.policy.text == ALLOW
    policy.unlink()
    assert not file.look()
    policy.write_text(DENY)
    assert file.look()
    assert file.policy.text == DENY


def test_requests_are_known_by_the_endpoint_that_they_came_through(policy: Path) -> None:
    service = FakeService()
    with socket.create_server(("127.0.0.1", 0)) as main:
        main.setblocking(False)
        entrances = entrances_of(settings(policy), main, False)

        async def run() -> None:
            listeners = Listeners(entrances, Wire(Clock(), service).context, lambda: True, None)
            listeners.start()
            addresses = [entrance.socket.getsockname() for entrance in entrances]
            for address in addresses:
                reader, writer = await asyncio.open_connection(*address)
                writer.write(signed())
                await reader.readuntil(b"\r\n\r\n")
                writer.close()
            await listeners.stop(HANGS_SECONDS)
            for address in addresses:
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection(*address)

        uvloop.run(run())
    assert [request.origin.endpoint for request in service.requests] == [None, "vpce-1"]
    assert [request.origin.address for request in service.requests] == ["127.0.0.1"] * 2


def test_a_changed_policy_counts_for_connections_that_are_there() -> None:
    """From their next request on; other endpoints' keep their own."""
    service = FakeService()
    wire = Wire(Clock(), service)
    origins = [Origin("192.0.2.1", False, "vpce-1", "vpc-2", "old"), Origin("192.0.2.1", False, "vpce-3"), Origin()]
    connections = [Connection(wire.context, origin) for origin in origins]
    for connection in connections:
        connection.connection_made(MockTransport())
        connection.data_received(signed())
        connection.change(Origin("", False, "vpce-1", "vpc-2", "new"))
        connection.data_received(signed())
    told = [(request.origin.endpoint, request.origin.policy) for request in service.requests]
    assert told == [
        ("vpce-1", "old"),
        ("vpce-1", "new"),
        ("vpce-3", None),
        ("vpce-3", None),
        (None, None),
        (None, None),
    ]
    assert service.requests[1].origin.address == "192.0.2.1"
