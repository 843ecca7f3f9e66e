"""The admin port: /metrics, /healthz and /readyz. One short answer a connection, bounded in size, time and number."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping
from http import HTTPStatus

from statordb.wire.browsers import is_near_name

REQUEST_BYTES_MAX = 16 * 1024
REQUEST_SECONDS_MAX = 5.0
CONNECTIONS_MAX = 64
PLAIN = "text/plain; charset=utf-8"

log = logging.getLogger(__name__)

Page = Callable[[], Awaitable[tuple[HTTPStatus, str, bytes]]]
"""Gives status, content type and body of a page."""
Asked = Callable[[str], Awaitable[tuple[HTTPStatus, str, bytes]]]
"""Gives the same for the query of an address, and bounds its own time."""


class AdminServer:
    """Serves `pages`, path -> page, on a listening socket that stays open when the server is closed.

    asked  path -> page of those that look at the query: they take the time they need.
    hosts  names that requests may be for beside addresses and the names of this machine, in lower case: a stranger's
           name that points here would let their web page read what is answered.
    """

    def __init__(
        self, pages: Mapping[str, Page], hosts: Collection[str] = (), asked: Mapping[str, Asked] | None = None
    ) -> None:
        self._pages = pages
        self._asked = asked or {}
        self._hosts = hosts
        self._open = 0
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        self._server = await asyncio.start_server(self._answer, sock=listener.dup(), limit=REQUEST_BYTES_MAX)

    async def close(self) -> None:
        """Take no further connections."""
        if self._server is not None:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= CONNECTIONS_MAX:
                async with asyncio.timeout(REQUEST_SECONDS_MAX):
                    head = await reader.readuntil(b"\r\n\r\n")
                message = await self._reply(head)
                async with asyncio.timeout(REQUEST_SECONDS_MAX):
                    writer.write(message)
                    await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ConnectionError):
            log.debug("admin request not completed")
        finally:
            self._open -= 1
            writer.close()

    async def _reply(self, head: bytes) -> bytes:
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return _message(HTTPStatus.BAD_REQUEST, PLAIN, b"bad request\n")
        if not all(is_near_name(host, self._hosts) for host in _hosts(head)):
            return _message(HTTPStatus.FORBIDDEN, PLAIN, b"this Host is not one of allowed_hosts\n")
        method, target, _ = words
        path, _, query = target.partition("?")
        if path not in self._pages and path not in self._asked:
            return _message(HTTPStatus.NOT_FOUND, PLAIN, b"not found\n")
        if method not in ("GET", "HEAD"):
            return _message(HTTPStatus.METHOD_NOT_ALLOWED, PLAIN, b"method not allowed\n")
        try:
            message = _message(*await self._page(path, query))
        except Exception:
            log.exception("admin page failed", extra={"target": target})
            message = _message(HTTPStatus.INTERNAL_SERVER_ERROR, PLAIN, b"internal error\n")
        return message if method == "GET" else message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

    async def _page(self, path: str, query: str) -> tuple[HTTPStatus, str, bytes]:
        asked = self._asked.get(path)
        if asked is not None:
            return await asked(query)
        async with asyncio.timeout(REQUEST_SECONDS_MAX):
            return await self._pages[path]()


def _hosts(head: bytes) -> list[str]:
    """What the Host lines of a request's head say."""
    lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    return [value.decode("latin-1").strip() for name, _, value in lines if name.strip().lower() == b"host"]


def _message(status: HTTPStatus, content_type: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("latin-1") + body
