"""Where the server may send: what the settings name, judged by name and by address, whenever something is sent."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.pace import HANGS_SECONDS
from tests.web_server import Answer, WebServer

from statordb.model.invocation import NotRunnable
from statordb.outbound.destinations import Destinations, NotDelivered
from statordb.outbound.external import ExternalInvoker, ExternalUnreachable
from statordb.outbound.permissions import NotAllowed, Permissions

METADATA = "http://169.254.169.254/latest/meta-data/iam"


def allows(entries: tuple[str, ...], destination: str) -> bool:
    try:
        Permissions(entries).check(destination)
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize(
    ("entry", "destination", "is_allowed"),
    [
        ("any", "http://example.com/x", True),
        ("https://example.com", "https://example.com/hook?key=1", True),
        ("https://example.com", "https://example.com:443/", True),
        ("https://Example.com", "https://EXAMPLE.com", True),
        ("https://example.com", "http://example.com/", False),
        ("https://example.com", "https://example.com:8443/", False),
        ("https://example.com", "https://example.com.evil.example/", False),
        ("https://example.com", "https://example.com@evil.example/", False),
        ("https://example.com/hooks", "https://example.com/hooks/cart", True),
        ("https://example.com/hooks", "https://example.com/hooksandmore", False),
        ("https://example.com/hooks", "https://example.com/hooks/../admin", False),
        ("https://example.com/hooks", "https://example.com/hooks/%2e%2e/admin", False),
        ("http://queues:9324", "sqs+http://queues:9324/000000000000/failed", True),
        ("http://queues:9324", "sns+http://queues:9324#arn:aws:sns:eu-west-1:000000000000:t", True),
        ("http://queues:9324", "sqs+http://others:9324/000000000000/failed", False),
        ("arn:aws:sqs:*:111111111111:*", "arn:aws:sqs:eu-west-1:111111111111:failed", True),
        ("arn:aws:sqs:*:111111111111:*", "arn:aws:sqs:eu-west-1:222222222222:failed", False),
        ("arn:aws:kinesis:*:111111111111:stream/cart-*", "arn:aws:kinesis:eu-west-1:111111111111:stream/cart-1", True),
        ("file:///var/failed", "file:///var/failed/cart", True),
        ("file:///var/failed", "file:///var/failed", True),
        ("file:///var/failed", "file:///var/failed/../keys", False),
        ("file:///var/failed", "file:///var/failed-not", False),
        ("file:///var/failed", "file:///var/failed/%2e%2e/keys", False),
    ],
)
def test_an_entry_allows_what_it_names(entry: str, destination: str, is_allowed: bool) -> None:
    assert allows((entry,), destination) == is_allowed
    assert not allows((), destination)


@pytest.mark.parametrize("entry", ["example.com", "https://", "ftp://example.com", "arn:aws", "file://relative", "*"])
def test_an_entry_of_no_form_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="neither any"):
        Permissions((entry,))


def test_a_link_does_not_lead_out_of_a_directory(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "link").symlink_to(tmp_path)
    assert allows((f"file://{allowed}",), f"file://{allowed}/new")
    assert not allows((f"file://{allowed}",), f"file://{allowed}/link/keys")


@pytest.mark.parametrize(
    ("entries", "url", "address", "is_allowed"),
    [
        (("any",), "http://example.com/", "127.0.0.1", True),
        (("any",), "http://example.com/", "169.254.169.254", False),
        (("any",), METADATA, "169.254.169.254", False),
        (("any",), "http://example.com/", "fe80::1%eth0", False),
        (("any",), "http://example.com/", "::ffff:169.254.169.254", False),
        (("http://example.com",), "http://example.com/", "10.0.0.1", True),
        (("http://example.com",), "http://example.com/", "127.0.0.1", False),
        (("http://example.com",), "http://example.com/", "::1", False),
        (("http://example.com",), "http://example.com/", "::ffff:127.0.0.1", False),
        (("http://example.com",), "http://example.com/", "0.0.0.0", False),
        (("http://127.0.0.1:80",), "http://127.0.0.1/", "127.0.0.1", True),
        (("http://localhost",), "http://localhost/", "127.0.0.1", True),
        (("http://169.254.169.254",), METADATA, "169.254.169.254", True),
    ],
)
def test_an_address_is_judged_by_what_it_is(entries: tuple[str, ...], url: str, address: str, is_allowed: bool) -> None:
    """A name may come to mean this machine, or an instance's metadata service."""
    try:
        Permissions(entries).check_address(url, address)
    except NotAllowed:
        assert not is_allowed
    else:
        assert is_allowed


def invoke(url: str, permissions: Permissions) -> Any:
    async def run() -> Any:
        invoker = ExternalInvoker(permissions)
        try:
            return await invoker.invoke(url, b"{}", HANGS_SECONDS, "eu-west-1")
        finally:
            await invoker.close()

    return asyncio.run(run())


def test_a_name_that_has_come_to_mean_this_machine_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    server = WebServer()
    port = server.url.rpartition(":")[2]
    here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(port)))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: here)
    url = f"http://hooks.example:{port}"
    try:
        with pytest.raises(ExternalUnreachable, match="do not allow"):
            invoke(f"{url}/hook", Permissions((url,)))
        assert server.received == []
    finally:
        server.close()


def test_only_where_the_settings_name_an_endpoint_the_servers_own_key_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may set a mapping could have the operator's key shown to, or used at, any endpoint."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOPERATOROPERATOR")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    server = WebServer()
    url = f"{server.url}/2015-03-31/functions/prod/invocations"
    try:
        for entries, key in ((("any",), "local"), ((server.url,), "AKIAOPERATOROPERATOR")):
            invoke(url, Permissions(entries))
            assert f"Credential={key}/" in server.received[-1].headers["authorization"]
        with pytest.raises(NotRunnable, match="not among the destinations"):
            invoke(url, Permissions(()))
        assert len(server.received) == 2
    finally:
        server.close()


def send(destination: str, permissions: Permissions) -> None:
    async def run() -> None:
        destinations = Destinations(permissions=permissions)
        try:
            await destinations.send(destination, b"{}", "eu-west-1")
        finally:
            await destinations.close()

    asyncio.run(run())


def test_what_was_set_before_is_judged_again_when_something_is_sent(tmp_path: Path) -> None:
    with pytest.raises(NotAllowed, match="not among the destinations"):
        send(f"file://{tmp_path}/stolen", Permissions(()))
    assert os.listdir(tmp_path) == []


def test_a_redirect_is_no_way_round() -> None:
    server = WebServer()
    server.answer = lambda received: Answer(307, b"", {"Location": METADATA})
    try:
        with pytest.raises(NotDelivered, match="status 307"):
            send(f"{server.url}/hook", Permissions((server.url,)))
        assert len(server.received) == 1
    finally:
        server.close()
