"""Lambda's Runtime API (version 2018-06-01) for one instance: HTTP on a loopback port of its own.

Paths, headers, statuses and limits: AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes".
"""

import asyncio
import socket
from typing import Any, NamedTuple, Protocol, cast

import httptools

from statordb.model.function_limits import INVOKE_ANSWER_BYTES_MAX
from statordb.runtime import peers

RESPONSE_BYTES_MAX = INVOKE_ANSWER_BYTES_MAX
HEADER_BYTES_MAX = 2 * 1024 * 1024  # awslambdaric sends the traceback as a header of up to 1 MiB
PREFIX = "/2018-06-01/runtime/"
REASONS = {
    200: b"OK",
    202: b"Accepted",
    400: b"Bad Request",
    403: b"Forbidden",
    404: b"Not Found",
    413: b"Payload Too Large",
}


class RuntimeReply(NamedTuple):
    status: int
    body: bytes


ACCEPTED = RuntimeReply(202, b'{"status":"OK"}')
INVALID_REQUEST_ID = RuntimeReply(400, b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}')
INVALID_STATE = RuntimeReply(
    403, b'{"errorMessage":"State transition is not allowed","errorType":"InvalidStateTransition"}'
)
FORBIDDEN = RuntimeReply(403, b'{"errorMessage":"Requests of web pages are not answered","errorType":"Forbidden"}')
NOT_FOUND = RuntimeReply(404, b'{"errorMessage":"Resource not found","errorType":"NotFound"}')
TOO_LARGE = RuntimeReply(
    413,
    b'{"errorMessage":"Exceeded maximum allowed payload size (%d bytes).","errorType":"RequestEntityTooLarge"}'
    % RESPONSE_BYTES_MAX,
)


class Runtime(Protocol):
    """What the runtime's calls mean; an instance is one. `body` None: it was larger than RESPONSE_BYTES_MAX."""

    def polled(self, connection: "RuntimeConnection") -> RuntimeReply | None:
        """The runtime asks for the next invocation; `connection.send_event` answers, unless a reply does at once."""

    def unpolled(self, connection: "RuntimeConnection") -> None:
        """It does not ask any more."""

    def answered(self, request_id: str, body: bytes | None) -> RuntimeReply: ...

    def failed(self, request_id: str, body: bytes | None, error_type: str) -> RuntimeReply: ...

    def init_failed(self, body: bytes | None, error_type: str) -> RuntimeReply: ...


class RuntimeApi:
    """The listener of one instance. `connections` are those that are open. `users`: whose processes may connect; None:
    those of the server's own, and of root."""

    def __init__(self, runtime: Runtime, users: tuple[int, ...] | None = None) -> None:
        self._runtime = runtime
        self._users = users
        self._server: asyncio.Server | None = None
        self.connections: set[RuntimeConnection] = set()
        self.address = ""  # host:port, once started

    async def start(self) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.bind(("127.0.0.1", 0))
            host, port = listener.getsockname()
            loop = asyncio.get_running_loop()
            self.address = f"{host}:{port}"
            self._server = await loop.create_server(
                lambda: RuntimeConnection(self._runtime, self.connections, self.address.encode(), self._users),
                sock=listener,
            )
        except BaseException:
            listener.close()
            raise

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.abort()


class RuntimeConnection(asyncio.Protocol):
    """One connection of the runtime: requests one after the other, kept alive. `address`: ours, as a Host header."""

    def __init__(
        self,
        runtime: Runtime,
        connections: "set[RuntimeConnection]",
        address: bytes,
        users: tuple[int, ...] | None = None,
    ) -> None:
        self._users = users
        self._runtime = runtime
        self._connections = connections
        self._address = address
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._polling = False
        self._begin()

    def _begin(self) -> None:
        self._path = b""
        self._headers: dict[bytes, bytes] = {}
        self._head_bytes = 0
        self._head_complete = False
        self._body: list[bytes] = []
        self._body_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        connected = transport.get_extra_info("socket")
        if not (peers.is_ours(connected) if self._users is None else peers.is_of(connected, self._users)):
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._polling:
            self._polling = False
            self._runtime.unpolled(self)

    def data_received(self, data: bytes) -> None:
        if self._polling:  # it was to wait for its answer
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.abort()
        if not self._head_complete:
            self._head_bytes += len(data)
            if self._head_bytes > HEADER_BYTES_MAX:
                self.abort()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self._head_complete = True
        if self._headers.get(b"expect", b"").lower() == b"100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        self._body_bytes += len(data)
        if self._body_bytes <= RESPONSE_BYTES_MAX:
            self._body.append(data)
        else:
            self._body.clear()

    def on_message_complete(self) -> None:
        reply = self._route(self._parser.get_method(), self._path.decode("latin-1").partition("?")[0])
        keep = self._parser.should_keep_alive()
        self._begin()
        if reply is not None:
            self._send(reply, keep)

    def _route(self, method: bytes, path: str) -> RuntimeReply | None:
        if self._is_of_a_page():
            return FORBIDDEN
        if not path.startswith(PREFIX):
            return NOT_FOUND
        parts = path[len(PREFIX) :].split("/")
        if method == b"GET" and parts == ["invocation", "next"]:
            self._polling = True
            reply = self._runtime.polled(self)
            if reply is not None:
                self._polling = False
            return reply
        if method != b"POST":
            return NOT_FOUND
        body = b"".join(self._body) if self._body_bytes <= RESPONSE_BYTES_MAX else None
        error_type = self._headers.get(b"lambda-runtime-function-error-type", b"").decode("latin-1")
        match parts:
            case ["invocation", request_id, "response"]:
                if error_type:  # a streamed response that failed half-way tells so in a trailer
                    return self._runtime.failed(request_id, body, error_type)
                return self._runtime.answered(request_id, body)
            case ["invocation", request_id, "error"]:
                return self._runtime.failed(request_id, body, error_type)
            case ["init", "error"]:
                return self._runtime.init_failed(body, error_type)
        return NOT_FOUND

    def _is_of_a_page(self) -> bool:
        """Whether a browser sent it: for a page of another origin, or of one whose name was made to lead here."""
        headers = self._headers
        host = headers.get(b"host", self._address)
        return host != self._address or b"origin" in headers or b"sec-fetch-site" in headers

    def send_event(self, head: bytes, payload: bytes) -> None:
        """Answer the poll: `head` has the invocation's header lines, each with its line end."""
        self._polling = False
        if self._transport is not None:
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s"
                % (head, len(payload), payload)
            )

    def _send(self, reply: RuntimeReply, keep: bool) -> None:
        if self._transport is not None:
            self._transport.write(
                b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s"
                % (
                    reply.status,
                    REASONS[reply.status],
                    len(reply.body),
                    b"" if keep else b"RuntimeConnection: close\r\n",
                    reply.body,
                )
            )
            if not keep:
                self._transport.close()
