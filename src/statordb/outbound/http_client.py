"""A client for POST requests: HTTP/1.1 over asyncio, with connections that are kept for the next request."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast
from urllib.parse import SplitResult, urlsplit

import httptools

PORTS = {"http": 80, "https": 443}
CONNECT_SECONDS = 5.0
IDLE_SECONDS = 20.0  # a kept connection that is older may be closed by the other side just now
IDLE_CONNECTIONS_MAX = 64  # to one server
RESPONSE_BYTES_MAX = 8 << 20  # with its headers; a function's answer has at most 6 MiB
URL_CHARACTERS_MAX = 2048


class Unreachable(Exception):
    """There was no answer: no such host, no connection, a broken one, or no HTTP; args[0] is a sentence for people."""


class Response(NamedTuple):
    """An answer; header names are in lower case, of a repeated one the last counts."""

    status: int
    headers: dict[str, str]
    body: bytes


def check_url(url: str) -> SplitResult:
    """The parts of a URL that can be posted to. Raises ValueError with a sentence."""
    if len(url) > URL_CHARACTERS_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(f"A URL has at most {URL_CHARACTERS_MAX} printable ASCII characters, and no spaces.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"{url} is not a URL.") from None
    if parts.scheme not in PORTS or not parts.hostname or port == 0:
        raise ValueError(f"{url} is not a URL of the form http://host:port/path.")
    if parts.username is not None or parts.password is not None:
        raise ValueError("A URL can't hold a user name or a password here.")
    return parts


class HttpClient:
    """Posts to any server. Use it in one event loop, and `close` it there.

    `check_address` is asked before each connection, with the URL and the address that its host has now, and raises
    ValueError for one that may not be connected to. Redirects are not followed.
    """

    def __init__(self, check_address: Callable[[str, str], None] | None = None) -> None:
        self._check_address = check_address
        self._idle: dict[tuple[str, str, int], list[_Connection]] = {}
        self._tls: ssl.SSLContext | None = None
        self._closed = False

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float) -> Response:
        """Send a request and wait for the whole answer. Raises Unreachable, TimeoutError, ValueError.

        A kept connection that breaks before anything of the answer has come is taken for one that the server closed
        as idle, and the request is sent once more on a new one.
        """
        parts = check_url(url)
        request = _request(parts, headers, body)
        origin = (parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme])
        async with asyncio.timeout(timeout_seconds):
            while True:
                kept = self._take(origin)
                connection = kept or await self._connect(origin)
                try:
                    response = await connection.exchange(request)
                except _Broken as fault:
                    if kept is None or fault.begun:
                        raise Unreachable(f"The connection to {origin[1]}:{origin[2]} broke: {fault}.") from None
                else:
                    self._keep(origin, connection)
                    return response
                finally:
                    if not connection.reusable:
                        connection.close()

    async def close(self) -> None:
        """Close the kept connections; one in use is closed when its answer has come."""
        self._closed = True
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    def _take(self, origin: tuple[str, str, int]) -> "_Connection | None":
        """The connection that was used last, if it is young enough."""
        connections = self._idle.get(origin, [])
        while connections:
            connection = connections.pop()
            if connection.reusable and asyncio.get_running_loop().time() - connection.used_at < IDLE_SECONDS:
                return connection
            connection.close()
        return None

    def _keep(self, origin: tuple[str, str, int], connection: "_Connection") -> None:
        connections = self._idle.setdefault(origin, [])
        if connection.reusable and not self._closed and len(connections) < IDLE_CONNECTIONS_MAX:
            connection.used_at = asyncio.get_running_loop().time()
            connections.append(connection)
        else:
            connection.close()

    async def _connect(self, origin: tuple[str, str, int]) -> "_Connection":
        scheme, host, port = origin
        loop = asyncio.get_running_loop()
        if scheme == "https" and self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        tls = self._tls if scheme == "https" else None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                address = await self._resolved(scheme, host, port)
                return (
                    await loop.create_connection(
                        lambda: _Connection(loop), address, port, ssl=tls, server_hostname=host if tls else None
                    )
                )[1]
        except TimeoutError:
            raise Unreachable(f"{host}:{port} did not take the connection within {CONNECT_SECONDS:.0f} s.") from None
        except (OSError, ValueError) as fault:  # also of a name that is none
            raise Unreachable(f"{host}:{port} can't be reached: {fault}.") from None

    async def _resolved(self, scheme: str, host: str, port: int) -> str:
        """The address to connect to: the one that was judged, so that a name can't change what it means in between."""
        check = self._check_address
        if check is None:
            return host
        url = f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            check(url, address)
        return addresses[0]


def _request(parts: SplitResult, headers: Mapping[str, str], body: bytes) -> bytes:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"POST {path} HTTP/1.1", f"Host: {_host(parts)}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() not in ("host", "content-length")]
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


def _host(parts: SplitResult) -> str:
    """As signatures count it: without the scheme's own port."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, PORTS[parts.scheme]) else f"{host}:{parts.port}"


class _Broken(Exception):
    """A connection ended, or carried no HTTP; `begun`: after the first byte of the answer."""

    def __init__(self, reason: str, begun: bool) -> None:
        super().__init__(reason)
        self.begun = begun


class _Connection(asyncio.Protocol):
    """One request at a time. The parser's callbacks are the methods on_..."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.reusable = True
        self.used_at = 0.0
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Response] | None = None
        self._reset()

    def _reset(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._received = 0
        self._headed = False

    async def exchange(self, request: bytes) -> Response:
        """Send a request, wait for its answer. Raises _Broken. Not reusable if it is cancelled."""
        if self._transport is None or not self.reusable:
            raise _Broken("it is closed", False)
        self.reusable = False
        self._reset()
        self._answer = self._loop.create_future()
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            self._answer = None

    def close(self) -> None:
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._answer is None or self._received > RESPONSE_BYTES_MAX:
            self._fail("an answer that is too long, or that nobody asked for")
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("no HTTP was spoken there")
        except httptools.HttpParserUpgrade:
            self._fail("it was to be upgraded")

    def connection_lost(self, fault: Exception | None) -> None:
        """The end of an answer without a stated length, or of the connection."""
        measured = self._headers.keys() & {"content-length", "transfer-encoding"}
        self._transport = None
        if self._headed and not measured and fault is None:
            self._finish(False)
        else:
            self._fail("it was closed")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        self._headed = self._parser.get_status_code() >= 200

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._headed:
            self._finish(bool(self._parser.should_keep_alive()))
        else:
            self._headers = {}  # of an interim answer: the real one follows

    def _finish(self, reusable: bool) -> None:
        if self._answer is not None and not self._answer.done():
            self.reusable = reusable
            self._answer.set_result(Response(self._parser.get_status_code(), self._headers, b"".join(self._body)))

    def _fail(self, reason: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(_Broken(reason, self._received > 0))
        self.close()
