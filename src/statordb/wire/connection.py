"""One client's connection, from its first byte to its end: what comes in, what is answered, and for how long.

The transport calls this class. `Reading` holds what was read, `Incoming` makes requests of it, `Answers` begins them
and has the answers written by `Writer`; all are driven without a socket.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from statordb.model.request import NOWHERE, Origin, Reply
from statordb.wire.answers import Answers, take_more
from statordb.wire.context import WireContext
from statordb.wire.exchange import NO_HEAD, Head, replied
from statordb.wire.incoming import HEAD, IDLE, Incoming, progress_of
from statordb.wire.lingering import Lingering
from statordb.wire.origin import with_client
from statordb.wire.reading import PARSED_HEAD_BYTES, Reading
from statordb.wire.reply import USUAL, Form
from statordb.wire.settings import WireSettings

REQUEST_TIMEOUT = Reply(408, b"", "RequestTimeout")


class Connection(asyncio.Protocol):
    """Serves one connection until either side ends it. Never raises out of a callback.

    origin    where it comes from, as far as that is known before it is made.
    is_known  whether a request of it was let in.
    """

    __slots__ = (
        "_answers",
        "_context",
        "_eof",
        "_incoming",
        "_lingering",
        "_mark",
        "_marked",
        "_origin",
        "_own",
        "_reading",
        "_reads",
        "_refused",
        "_transport",
        "is_known",
    )

    def __init__(self, context: WireContext, origin: Origin = NOWHERE) -> None:
        self._context = context
        self._origin = origin
        self._transport: Any = None
        self._answers: Answers
        self._incoming: Incoming
        self._reading: Reading
        self._eof = False
        self._refused = False  # the client is cut short
        self._lingering = Lingering(context, self.answered)
        self._reads = True
        self._mark: object = None  # what the last sweep saw, and since when
        self._marked = 0.0
        self._own: bool | None = None
        self.is_known = False

    # Called by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._origin = with_client(self._origin, transport)
        self._answers = Answers(self._context, transport, self)
        self._incoming = Incoming(self._context, self._answers, self, self._origin)
        self._reading = Reading(self._context, self._incoming, self._answers, self)
        self._marked = self._context.monotonic()
        self._context.joined(self)
        if self._context.draining:
            self.drain()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._incoming.lost()
        self._reading.lost()
        self._answers.lost()
        self._context.left(self)

    def data_received(self, data: bytes) -> None:
        incoming, reading = self._incoming, self._reading
        if incoming.is_done:
            if not self._lingering.discard(len(data)):
                self._transport.abort()
            return
        self._answers.is_ahead = False
        if reading.rest is None and len(data) <= PARSED_HEAD_BYTES:  # as `take` does, without the call
            incoming.feed(data)
        else:
            reading.take(data)

    def eof_received(self) -> bool:
        """The client sends no more, but may still read: what it asked is answered first."""
        self._context.outbox.flush()
        self._reading.finish()
        self.take_no_more()
        self._eof = True
        return bool(self._answers)

    def pause_writing(self) -> None:
        self._answers.is_writable = False
        self.answered()

    def resume_writing(self) -> None:
        self._answers.is_writable = True
        self._answers.advance()

    # Called by the context

    def sweep(self, now: float) -> None:
        mark = self._progress()
        if mark != self._mark:
            self._mark = mark
            self._marked = now
        elif self._transport is not None and now - self._marked > self._patience():
            self._time_out()

    def drain(self) -> None:
        if self._incoming.phase == IDLE and not self._incoming.is_done:
            self.take_no_more()
            if not self._answers:
                self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def change(self, entrance: Origin) -> None:
        if entrance.endpoint is not None and entrance.endpoint == self._origin.endpoint:
            self._origin = self._incoming.origins.begin(self._origin._replace(policy=entrance.policy))

    def idle_since(self) -> float | None:
        """Since when nothing goes on here, by the sweeps; None while something does. A stranger's request that is
        incomplete is nothing."""
        if self._transport is None or self._transport.is_closing() or self._answers:
            return None
        return None if self.is_known and self._incoming.phase != IDLE else self._marked

    def is_own(self, ask: Callable[[Any], bool]) -> bool:
        """Whether a process of the server's own user is at the other end; asked of the kernel once."""
        if self._own is None and self._transport is not None:
            self._own = ask(self._transport.get_extra_info("socket"))
        return bool(self._own)

    # Called by what comes in, and by the answers

    def take_no_more(self) -> None:
        self._incoming.end()
        self._reading.drop()
        self._answers.is_final = True

    def refuse(self, reply: Reply, form: Form = USUAL, head: Head = NO_HEAD) -> None:
        if not self._incoming.is_done:
            self.take_no_more()
            self._refused = True
            self.reply(reply, form, head)

    def reply(self, reply: Reply, form: Form = USUAL, head: Head = NO_HEAD) -> None:
        context = self._context
        now = context.monotonic()
        self._answers.reply(replied(reply, form, context.next_request_id(), now, self, self._origin, head))

    def answered(self) -> None:
        """Read on, or stop reading."""
        answers, reading = self._answers, self._reading
        has_room = take_more(answers, self._context.settings)
        if has_room and reading.is_held_up:
            reading.is_held_up = False
            self._context.rounds.later(reading.go_on)
        if self._lingering.has_begun:
            wanted = not self._lingering.rests
        else:
            wanted = has_room and not self._incoming.is_done and reading.rest is None
        answers.holds_up = not wanted
        if wanted != self._reads and self._transport is not None and not self._transport.is_closing():
            self._reads = wanted
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def end(self) -> None:
        """Close after the last answer. A client that was cut short first gets the time to read why: closing with
        unread bytes would reset the connection, and take the answer with it."""
        self._context.outbox.flush()
        if not self._refused or self._eof:
            self._transport.close()
            return
        self._lingering.has_begun = True
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self.answered()

    # Patience

    def _progress(self) -> object:
        """What changes as long as the connection gets on."""
        if self._lingering.has_begun:
            return "lingering"
        if not self._answers.is_writable:
            return (self._transport.get_write_buffer_size() if self._transport is not None else 0, "unsent")
        if self._answers or self._reading.rest is not None:
            return object()  # it waits for us
        return progress_of(self._incoming, self._context.settings)

    def _patience(self) -> float:
        settings = self._context.settings
        if self._lingering.has_begun:
            return settings.linger_seconds
        return patience_of(settings, self._incoming.phase) if self._answers.is_writable else settings.write_seconds

    def _time_out(self) -> None:
        if self._lingering.has_begun or not self._answers.is_writable:
            self._transport.abort()
        elif self._incoming.phase == IDLE:
            self.take_no_more()
            self._transport.close()
        else:
            self.refuse(REQUEST_TIMEOUT)


def patience_of(settings: WireSettings, phase: int) -> float:
    """How long nothing may come from a client that takes its answers, in seconds."""
    if phase == IDLE:
        return settings.idle_seconds
    return settings.head_seconds if phase == HEAD else settings.body_seconds
