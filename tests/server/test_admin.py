"""The admin port: short answers, also to clients that behave badly."""

import asyncio
from http import HTTPStatus

import pytest

from statordb.server import admin
from statordb.server.admin import PLAIN, AdminServer
from statordb.server.sockets import listen, port_of


async def fine() -> tuple[HTTPStatus, str, bytes]:
    return HTTPStatus.OK, PLAIN, b"fine\n"


async def broken() -> tuple[HTTPStatus, str, bytes]:
    raise RuntimeError("/secret/path")


async def echo(query: str) -> tuple[HTTPStatus, str, bytes]:
    return HTTPStatus.OK, PLAIN, query.encode()


def ask(request: bytes) -> bytes:
    """The answer to the raw bytes of a request, b"" where the connection was closed without one."""

    async def run() -> bytes:
        listener = listen("127.0.0.1", 0)
        pages = {"/fine": fine, "/broken": broken}
        server = AdminServer(pages, frozenset({"metrics.example"}), {"/echo": echo})
        await server.start(listener)
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(listener))
        try:
            writer.write(request)
            return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()
            await server.close()
            listener.close()

    return asyncio.run(run())


def test_a_page() -> None:
    """A query behind the path is no other page."""
    answer = ask(b"GET /fine?x=1 HTTP/1.1\r\nHost: localhost:9600\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Length: 5\r\n" in answer
    assert answer.endswith(b"\r\n\r\nfine\n")


@pytest.mark.parametrize(("target", "query"), [(b"/echo?x=1&y=%20", b"x=1&y=%20"), (b"/echo", b"")])
def test_a_page_that_looks_at_the_query(target: bytes, query: bytes) -> None:
    answer = ask(b"GET " + target + b" HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n" + query)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"127.0.0.1:9600", b"200"),
        (b"[::1]:9600", b"200"),
        (b"metrics.example:9600", b"200"),
        (b"statordb:9600", b"200"),
        (b"statordb.monitoring.svc.cluster.local", b"200"),
        (b"evil.example:9600", b"403"),
        (b"localhost\r\nHOST : evil.example", b"403"),
    ],
)
def test_a_name_that_a_stranger_could_have_pointed_here_is_refused(host: bytes, status: bytes) -> None:
    """A page under that name could else read what is answered (DNS rebinding)."""
    answer = ask(b"GET /fine HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
    assert answer.split(b" ")[1] == status


def test_head_has_no_body() -> None:
    assert ask(b"HEAD /fine HTTP/1.1\r\n\r\n").endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /other HTTP/1.1", b"404"),
        (b"POST /fine HTTP/1.1", b"405"),
        (b"GET /broken HTTP/1.1", b"500"),
        (b"x", b"400"),
    ],
)
def test_refusals(request_line: bytes, status: bytes) -> None:
    """No answer repeats what was asked for, or what broke."""
    answer = ask(request_line + b"\r\n\r\n")
    assert answer.split(b" ")[1] == status
    assert b"/secret/path" not in answer


def test_too_large_a_head_is_not_read() -> None:
    assert ask(b"GET /fine HTTP/1.1\r\nX: " + b"x" * (admin.REQUEST_BYTES_MAX * 4)) == b""


def test_a_silent_client_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "REQUEST_SECONDS_MAX", 0.01)
    assert ask(b"GET /fine") == b""
