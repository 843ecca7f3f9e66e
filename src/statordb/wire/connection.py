"""One client's connection: HTTP/1.1 in, replies out in order.

Bytes are parsed by httptools; a request whose answer is there at once is answered before the parser goes on. Answers
that come later, and the requests behind them, wait in `_started`; what may not be started yet waits in `_unstarted`.
"""

import asyncio
import logging
from collections import deque
from functools import partial
from typing import Any

import httptools

from statordb.model.request import Reply
from statordb.model.rest import RestReply
from statordb.wire.context import WireContext
from statordb.wire.exchange import FIRST_ACCEPT_ENCODING, INTERNAL, Exchange, Waiting, begin, result_of
from statordb.wire.reply import CONTINUE, ONE_WRITE_BYTES_MAX, USUAL, Form
from statordb.wire.rest import form_of

IDLE, HEAD, BODY = range(3)  # between requests, within a request's head, within its body

PROCEED = Reply(100, b"")
BAD_REQUEST = Reply(400, b"", "BadRequest")
REQUEST_TIMEOUT = Reply(408, b"", "RequestTimeout")

log = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """Serves one connection until either side ends it. Never raises out of a callback."""

    __slots__ = (
        "_body_bytes",
        "_chunks",
        "_closing",
        "_context",
        "_eof",
        "_fed",
        "_first",
        "_head",
        "_headers",
        "_lingered",
        "_lingering",
        "_mark",
        "_marked",
        "_parser",
        "_phase",
        "_read",
        "_reading",
        "_refused",
        "_repeats",
        "_requests",
        "_started",
        "_transport",
        "_unstarted",
        "_url",
        "_writable",
    )

    def __init__(self, context: WireContext) -> None:
        self._context = context
        self._transport: Any = None
        self._parser: Any = None
        self._started: deque[Exchange] = deque()
        self._unstarted: deque[Exchange] = deque()
        self._phase = IDLE
        self._requests = 0
        self._headers: dict[bytes, bytes] = {}  # being read; trailers end up here too
        self._head = self._headers  # of the request, once complete
        self._repeats = 0
        self._chunks: list[bytes] = []
        self._url = b""
        self._body_bytes = 0
        self._read = 0  # bytes of the read that is being parsed
        self._first = 0  # bytes of the read in which the request began: an upper bound of its part
        self._fed = 0  # bytes of the later reads within the current phase
        self._closing = False  # nothing more is taken from this client
        self._eof = False
        self._refused = False  # it is cut short
        self._lingering = False
        self._lingered = 0
        self._reading = True
        self._writable = True
        self._mark: object = None  # what the last sweep saw, and since when
        self._marked = 0.0

    # Called by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)
        self._marked = self._context.monotonic()
        self._context.joined(self)
        if self._context.draining:
            self.drain()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._transport = None
        self._parser = None  # the parser holds this object too
        self._unstarted.clear()
        self._context.left(self)

    def data_received(self, data: bytes) -> None:
        if self._closing:
            self._discard(len(data))
            return
        self._read = len(data)
        if self._phase != IDLE:
            self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(memoryview(data), upgrade.args[0])
        except httptools.HttpParserError as error:
            self._parse_failed(error)
        if self._phase != IDLE and not self._closing:
            self._bound_incomplete()

    def eof_received(self) -> bool:
        """The client sends no more, but may still read: what it asked is answered first."""
        self._context.outbox.flush()
        self._closing = True
        self._eof = True
        return bool(self._started or self._unstarted)

    def pause_writing(self) -> None:
        self._writable = False
        self._set_reading()

    def resume_writing(self) -> None:
        self._writable = True
        self._advance()

    # Called by the parser

    def on_message_begin(self) -> None:
        self._headers = {}
        self._repeats = 0
        self._chunks = []
        self._url = b""
        self._body_bytes = 0
        self._first = self._read
        self._fed = 0
        self._phase = HEAD

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        headers = self._headers
        if name in headers:
            self._repeat(name, value)
        else:
            headers[name] = value

    def on_headers_complete(self) -> None:
        if self._closing:
            return
        headers = self._head = self._headers
        self._phase = BODY
        context = self._context
        if (
            self._first + self._fed > context.head_bytes_unmeasured
            or len(headers) + self._repeats > context.headers_max
        ):
            if self._is_large_head():
                self._refuse(BAD_REQUEST)
                return
        self._fed = 0
        length = headers.get(b"content-length")
        if length is not None and len(length) > 7 and int(length) > context.settings.request_bytes_max:
            if self._refuses(context.refuse_large(self._url, headers, int(length))):
                return
        if b"expect" in headers:
            self._expect(headers[b"expect"])
        if b"transfer-encoding" in headers:
            self._headers = {}

    def on_body(self, data: bytes) -> None:
        self._chunks.append(data)
        self._body_bytes += len(data)

    def on_message_complete(self) -> None:
        if self._closing:
            return
        self._phase = IDLE
        self._requests += 1
        context = self._context
        if self._body_bytes > context.settings.request_bytes_max:
            if self._refuses(context.admit_large(self, self._url, self._head, self._body_bytes)):
                return
            context.large_is_in(self)
        parser = self._parser
        if not parser.should_keep_alive() or context.draining:
            self._closing = True
        chunks = self._chunks
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        exchange = Exchange(
            parser.get_method(), self._url, self._head, body, context.next_request_id(), context.monotonic(), self
        )
        if self._started or self._unstarted or not self._writable:
            self._unstarted.append(exchange)
            self._advance()
            return
        reply = begin(exchange, context)
        if isinstance(reply, Reply):
            self._send(exchange, reply)
        else:
            self._await(exchange, reply)

    # Called by the context

    def sweep(self, now: float) -> None:
        mark = self._progress()
        if mark != self._mark:
            self._mark = mark
            self._marked = now
        elif self._transport is not None and now - self._marked > self._patience():
            self._time_out()

    def drain(self) -> None:
        if self._phase == IDLE and not self._closing:
            self._closing = True
            if not self._started and not self._unstarted:
                self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # Reading

    def _ignore_upgrade(self, data: memoryview, offset: int) -> None:
        """The parser stops behind a request that offers an upgrade; HTTP/1.1 goes on with a new one."""
        while True:
            self._parser = httptools.HttpRequestParser(self)
            data = data[offset:]
            if self._closing or not data:
                return
            try:
                self._parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                offset = upgrade.args[0]
            except httptools.HttpParserError as error:
                self._parse_failed(error)
                return

    def _parse_failed(self, error: Exception) -> None:
        if isinstance(error, httptools.HttpParserCallbackError):
            log.error("a parser callback failed", exc_info=error)
            self._refuse(INTERNAL)
        else:
            self._refuse(BAD_REQUEST)

    def _is_large_head(self) -> bool:
        """The limits on a complete head, exactly."""
        settings = self._context.settings
        head_bytes = sum(len(name) + len(value) + 4 for name, value in self._head.items())  # 4: colon, space, CRLF
        return (
            head_bytes > settings.header_bytes_max
            or len(self._head) + self._repeats > settings.headers_max
            or len(self._url) > settings.url_bytes_max
        )

    def _repeat(self, name: bytes, value: bytes) -> None:
        """Join a repeated header by commas, as the canonical request has it."""
        headers = self._headers
        self._repeats += 1
        if self._repeats <= self._context.settings.headers_max:  # beyond, the request is refused anyway
            if name == b"accept-encoding":
                headers.setdefault(FIRST_ACCEPT_ENCODING, headers[name])
            headers[name] = headers[name].rstrip() + b"," + value

    def _bound_incomplete(self) -> None:
        """Bound what a request may hold of memory before it is complete."""
        settings = self._context.settings
        if self._phase == HEAD:
            if (
                len(self._headers) + self._repeats > settings.headers_max
                or len(self._url) > settings.url_bytes_max
                or self._fed > 2 * (settings.header_bytes_max + settings.url_bytes_max)
            ):
                self._refuse(BAD_REQUEST)
        elif self._body_bytes > settings.request_bytes_max and self._refuses(
            self._context.admit_large(self, self._url, self._head, self._body_bytes)
        ):
            return
        elif self._fed - self._body_bytes > settings.header_bytes_max + self._body_bytes // 2:
            self._refuse(BAD_REQUEST)  # chunk sizes and trailers without end

    def _refuses(self, refusal: Reply | RestReply | None) -> bool:
        """Whether there is a refusal, which is sent then."""
        if isinstance(refusal, RestReply):
            self._refuse(Reply(refusal.status, refusal.body, refusal.error), form_of(refusal))
        elif refusal is not None:
            self._refuse(refusal)
        return refusal is not None

    def _expect(self, expectation: bytes) -> None:
        """Ask for the body, in the order of the replies."""
        if expectation.strip().lower() == b"100-continue" and self._parser.get_http_version() == "1.1":
            self._enqueue_reply(PROCEED)

    def _discard(self, size: int) -> None:
        self._lingered += size
        if not self._lingering:
            self._set_reading()
        elif self._lingered > self._context.settings.linger_bytes_max:
            self._transport.abort()

    def _refuse(self, reply: Reply, form: Form = USUAL) -> None:
        """Answer what can't be read on behind, and close."""
        if not self._closing:
            self._closing = True
            self._refused = True
            self._enqueue_reply(reply, form)

    def _enqueue_reply(self, reply: Reply, form: Form = USUAL) -> None:
        context = self._context
        exchange = Exchange(b"", b"", {}, b"", context.next_request_id(), context.monotonic(), self)
        exchange.reply = reply
        exchange.form = form
        self._unstarted.append(exchange)
        self._advance()

    def _set_reading(self) -> None:
        waiting = len(self._started) + len(self._unstarted)
        wanted = self._lingering or (
            not self._closing and self._writable and waiting < self._context.settings.pipeline_requests_max
        )
        if wanted != self._reading and self._transport is not None and not self._transport.is_closing():
            self._reading = wanted
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    # Answering

    def _advance(self) -> None:
        """Send what is ready in order, start what may be started."""
        started, unstarted = self._started, self._unstarted
        started_max = self._context.settings.pipeline_requests_max
        try:
            while self._writable and self._transport is not None:
                if started and started[0].reply is not None:
                    exchange = started.popleft()
                    self._send(exchange, exchange.reply)  # type: ignore[arg-type]
                elif unstarted and len(started) < started_max:
                    self._start(unstarted.popleft())
                else:
                    break
            self._set_reading()
        except Exception:
            log.exception("an answer could not be sent")
            self.abort()

    def _start(self, exchange: Exchange) -> None:
        reply = exchange.reply or begin(exchange, self._context)
        if isinstance(reply, Reply):
            exchange.reply = reply
            self._started.append(exchange)
        else:
            self._await(exchange, reply)

    def _await(self, exchange: Exchange, future: Waiting) -> None:
        self._started.append(exchange)
        future.add_done_callback(partial(self._answered, exchange))
        self._set_reading()

    def _answered(self, exchange: Exchange, future: Waiting) -> None:
        exchange.reply = result_of(future, exchange)
        self._advance()

    def _send(self, exchange: Exchange, reply: Reply) -> None:
        context = self._context
        if reply is PROCEED:
            context.outbox.put(self._transport, CONTINUE)
            return
        status, body, error = reply
        last = self._closing and not self._started and not self._unstarted
        if status == 200 and exchange.form is USUAL and not last:
            head = context.heads.usual(exchange.request_id, body)
        else:
            head, body = context.heads.head(status, exchange.form, exchange.request_id, body, not last)
        if exchange.method == b"HEAD":
            context.outbox.put(self._transport, head)
        elif len(body) <= ONE_WRITE_BYTES_MAX:
            context.outbox.put(self._transport, head + body)
        else:
            context.outbox.flush()
            self._transport.writelines((head, body))
        context.observe(exchange.operation, context.monotonic() - exchange.begun, status, error)
        if last:
            self._end(linger=self._refused)

    def _end(self, linger: bool) -> None:
        """Close after the last answer. A client that was cut short first gets the time to read why: closing with
        unread bytes would reset the connection, and take the answer with it."""
        self._context.outbox.flush()
        if not linger or self._eof:
            self._transport.close()
            return
        self._lingering = True
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._set_reading()

    # Patience

    def _progress(self) -> object:
        """What changes as long as the connection gets on."""
        if self._lingering:
            return "lingering"
        if not self._writable:
            return (self._transport.get_write_buffer_size() if self._transport is not None else 0, "unsent")
        if self._started or self._unstarted:
            return object()  # it waits for us
        return (self._phase, self._requests)

    def _patience(self) -> float:
        settings = self._context.settings
        if self._lingering:
            return settings.linger_seconds
        if not self._writable:
            return settings.write_seconds
        if self._phase == IDLE:
            return settings.idle_seconds
        if self._phase == HEAD:
            return settings.head_seconds
        return settings.body_seconds + self._body_bytes / settings.body_bytes_per_second_min

    def _time_out(self) -> None:
        if self._lingering or not self._writable:
            self._transport.abort()
        elif self._phase == IDLE:
            self._closing = True
            self._transport.close()
        else:
            self._refuse(REQUEST_TIMEOUT)
