"""The request that comes in on a connection: read by httptools, bounded while it is incomplete."""

import logging
from typing import Any, Protocol

import httptools

from statordb.model.limits import OPEN_BODY_BYTES_MAX
from statordb.model.request import Origin, Reply
from statordb.model.rest import RestReply
from statordb.wire.answers import PROCEED, Answers
from statordb.wire.body import Body
from statordb.wire.context import WireContext
from statordb.wire.exchange import FIRST_ACCEPT_ENCODING, INTERNAL, NO_HEAD, UNSERVED, Exchange, Head, received
from statordb.wire.origin import Origins
from statordb.wire.repeats import MISSES_MAX
from statordb.wire.reply import USUAL, Form
from statordb.wire.rest import form_of
from statordb.wire.settings import WireSettings
from statordb.wire.upgrades import head_of_ours, parser_of

IDLE, HEAD, BODY = range(3)  # between requests, within a request's head, within its body
LENGTH_CHARACTERS_MAX = 20  # of a Content-Length: the parser takes no number above 2**64, but any number of zeros

BAD_REQUEST = Reply(400, b"", "BadRequest")

log = logging.getLogger(__name__)


class Owner(Protocol):
    """The connection, as what comes in sees it."""

    def take_no_more(self) -> None:
        """The request that has just come is the last."""

    def refuse(self, reply: Reply, form: Form = USUAL, head: Head = NO_HEAD) -> None:
        """Answer what can't be read on behind, and close. `head`: of the request, for who tells of it."""

    def reply(self, reply: Reply, form: Form = USUAL) -> None:
        """Write a reply behind those to all requests before it."""


class Incoming:
    """Turns bytes into requests. The `on_` methods are called by the parser.

    phase     where in a request the reading is;  requests: how many have been complete.
    body      of the request that is being read.
    origins   of its requests.
    is_done   nothing more is taken.
    """

    __slots__ = (
        "_answers", "_context", "_fed", "_first", "_head", "_headers", "_keeps", "_latest", "_misses", "_more_lines",
        "_owner", "_parser", "_read", "_resumes", "_url", "body", "is_done", "on_body", "origins", "phase", "requests",
    )  # fmt: skip

    def __init__(self, context: WireContext, answers: Answers, owner: Owner, origin: Origin) -> None:
        self._context = context
        self.origins = Origins(origin)
        self._answers = answers
        self._owner = owner
        self.body = Body(context.admission)
        self.on_body = self.body.add  # by the parser
        self._parser: Any = parser_of(self)
        self.phase = IDLE
        self.requests = 0
        self.is_done = False
        self._headers: dict[bytes, bytes] = {}  # being read; trailers end up here too
        self._head = self._headers  # of the request, once complete
        self._more_lines = 0  # of headers that are there already
        self._url = b""
        self._read = 0  # bytes of the read that is being parsed
        self._first = 0  # bytes of the read in which the request began: an upper bound of its part
        self._fed = 0  # bytes of the later reads within the current phase
        self._misses = 0  # reads since one was recognised
        self._keeps = False  # whether the request that comes is kept as the latest, to be known again
        self._latest: Exchange | None = None
        self._resumes: bytes | None = None  # what a parser is given that goes on where one ended for an upgrade

    def feed(self, data: bytes | memoryview) -> None:
        """Take bytes. Never raises."""
        if data.__class__ is memoryview or self.phase != IDLE or self._misses >= MISSES_MAX:
            self._parse(data)
            return
        context = self._context
        repeated = None if context.ends_some else context.repeats.recognise(data)  # type: ignore[arg-type]
        if repeated is not None:
            self._misses, self.requests = 0, self.requests + 1
            headers, body, who, operation = repeated
            id, now, origin = context.next_request_id(), context.monotonic(), self.origins.of(headers)
            known = received(b"POST", b"/", headers, body, None, id, now, self._owner, origin, operation, who)
            self._answers.take(known)
            return
        self._misses, self._keeps = self._misses + 1, True
        self._parse(data)
        self._keeps = False
        exchange, self._latest = self._latest, None
        if exchange is not None and exchange.operation is not UNSERVED and self.phase == IDLE and not self.is_done:
            context.repeats.learn(data, exchange)  # type: ignore[arg-type]

    def _parse(self, data: bytes | memoryview) -> None:
        self._read = len(data)
        if self.phase != IDLE:
            self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(memoryview(data), upgrade.args[0])
        except httptools.HttpParserError as error:
            self._parse_failed(error)
        if self.phase != IDLE and not self.is_done:
            self._bound()

    def end(self) -> None:
        """Nothing more is taken."""
        self.is_done = True
        self.body.forget()

    def lost(self) -> None:
        """The connection is gone."""
        self.end()
        self._parser = None  # which holds this object
        del self._owner  # which does too

    # Called by the parser

    def on_message_begin(self) -> None:
        self._headers = {}
        self._more_lines = 0
        self._url = b""
        self._first = self._read
        self._fed = 0
        self.phase = HEAD

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        headers = self._headers
        if name in headers:
            self._more_lines += 1
            if self._more_lines <= self._context.headers_max:  # beyond, the request is refused anyway
                join_repeated(headers, name, value)
        else:
            headers[name] = value

    def on_headers_complete(self) -> None:
        if self.is_done:
            return
        headers = self._head = self._headers
        self.phase = BODY
        context = self._context
        if (
            self._first + self._fed > context.head_bytes_unmeasured
            or len(headers) + self._more_lines > context.headers_max
        ):
            if is_large_head(headers, self._more_lines, self._url, context.settings):
                self._owner.refuse(BAD_REQUEST)
                return
        self._fed = 0
        length = headers.get(b"content-length")
        if length is not None and len(length) > 4:
            if len(length) > LENGTH_CHARACTERS_MAX:
                self._owner.refuse(BAD_REQUEST)
                return
            size = int(length)
            refusal = self.body.admit(self._url, headers, size) if size > OPEN_BODY_BYTES_MAX else None
            if refusal is not None:
                self._owner.refuse(*told(refusal), (self._url, self._head))
                return
        if b"expect" in headers:
            self._expect(headers[b"expect"])
        if b"transfer-encoding" in headers:
            self._headers = {}
        if b"upgrade" in headers:
            self._resumes = head_of_ours(self._parser, headers)

    def on_message_complete(self) -> None:
        if self.is_done or self._resumes is not None:
            return
        context, body = self._context, self.body
        refusal = body.admit(self._url, self._head, body.size) if body.size > OPEN_BODY_BYTES_MAX else None
        if refusal is not None:
            self._owner.refuse(*told(refusal), (self._url, self._head))
            return
        data, head = body.complete(), self._head
        self.phase = IDLE
        self.requests += 1
        if not self._parser.should_keep_alive() or (context.ends_some and context.is_last()):
            self._owner.take_no_more()
        id, now, origin = context.next_request_id(), context.monotonic(), self.origins.of(head)
        exchange = received(self._parser.get_method(), self._url, head, data, body.digest, id, now, self._owner, origin)
        if self._keeps:
            self._latest = exchange
        self._answers.take(exchange)

    # Bounds

    def _ignore_upgrade(self, data: memoryview, offset: int) -> None:
        """The parser stops behind the head of a request that offers an upgrade; HTTP/1.1 goes on with a new one."""
        while True:
            self._parser, self._resumes = parser_of(self, self._resumes), None
            data = data[offset:]
            if self.is_done or not data:
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
        is_ours = isinstance(error, httptools.HttpParserCallbackError)
        if is_ours:
            log.error("a parser callback failed", exc_info=error)
        self._owner.refuse(INTERNAL if is_ours else BAD_REQUEST)

    def _expect(self, expectation: bytes) -> None:
        if expectation.strip().lower() == b"100-continue" and self._parser.get_http_version() == "1.1":
            self._owner.reply(PROCEED)  # in the order of the replies

    def _bound(self) -> None:
        """Bound what a request may hold of memory before it is complete."""
        settings = self._context.settings
        if self.phase == HEAD:
            if (
                len(self._headers) + self._more_lines > settings.headers_max
                or len(self._url) > settings.url_bytes_max
                or self._fed > 2 * (settings.header_bytes_max + settings.url_bytes_max)
            ):
                self._owner.refuse(BAD_REQUEST)
            return
        size = self.body.size
        refusal = self.body.hold(self._url, self._head)
        if refusal is not None:
            self._owner.refuse(*told(refusal), (self._url, self._head))
        elif self._fed - size > settings.header_bytes_max + size // 2:
            self._owner.refuse(BAD_REQUEST)  # chunk sizes and trailers without end


def progress_of(incoming: Incoming, settings: WireSettings) -> tuple[int, int, int]:
    """What changes as long as requests come in."""
    pieces = incoming.body.size // settings.body_progress_bytes if incoming.phase == BODY else 0
    return incoming.phase, incoming.requests, pieces


def is_large_head(headers: dict[bytes, bytes], repeats: int, url: bytes, settings: WireSettings) -> bool:
    """The limits on a complete head, exactly."""
    head_bytes = sum(len(name) + len(value) + 4 for name, value in headers.items())  # 4: colon, space, CRLF
    return (
        head_bytes > settings.header_bytes_max
        or len(headers) + repeats > settings.headers_max
        or len(url) > settings.url_bytes_max
    )


def join_repeated(headers: dict[bytes, bytes], name: bytes, value: bytes) -> None:
    """Join a repeated header by commas, as the canonical request has it."""
    if name == b"accept-encoding":
        headers.setdefault(FIRST_ACCEPT_ENCODING, headers[name])
    headers[name] = headers[name].rstrip() + b"," + value


def told(refusal: Reply | RestReply) -> tuple[Reply, Form]:
    """What a refusal is answered, and how that is to look."""
    if isinstance(refusal, RestReply):
        return Reply(refusal.status, refusal.body, refusal.error), form_of(refusal)
    return refusal, USUAL
