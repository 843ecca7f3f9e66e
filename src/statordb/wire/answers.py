"""The requests of one connection that are complete, and their answers in order.

A request whose answer is there at once is answered before the next one is read. Answers that come later, and the
requests behind them, wait in `_started`; what may not be begun yet waits in `_unstarted`.
"""

import logging
from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import Any, Protocol

from statordb.model.request import Reply
from statordb.wire.context import WireContext
from statordb.wire.exchange import Exchange, Waiting, result_of
from statordb.wire.reply import CONTINUE, USUAL, WHOLE_BYTES_MAX, Slice
from statordb.wire.serving import begin

PROCEED = Reply(100, b"")

log = logging.getLogger(__name__)


class Owner(Protocol):
    """The connection, as its answers see it."""

    def answered(self) -> None:
        """As many requests wait as there are now, not as many as before: perhaps more may be read, or less."""

    def end(self) -> None:
        """The last answer has been written."""

    def abort(self) -> None:
        """An answer could not be written."""


class Answers:
    """Begins what `take` gives it, and writes the answers.

    is_writable  whether the transport takes more;  is_final: no request comes after those that are here.
    is_ahead     whether the next request comes behind another of the same read.
    waiting_bytes  bodies of the requests that wait for their answer.
    """

    __slots__ = (
        "_answer_bytes",
        "_context",
        "_is_queued",
        "_owner",
        "_slices",
        "_started",
        "_transport",
        "_unstarted",
        "is_ahead",
        "is_final",
        "is_writable",
        "waiting_bytes",
    )

    def __init__(self, context: WireContext, transport: Any, owner: Owner) -> None:
        self._context = context
        self._transport = transport
        self._owner = owner
        self._started: deque[Exchange] = deque()
        self._unstarted: deque[Exchange] = deque()
        self._slices: Iterator[Slice] | None = None  # of the answer to the first of _started
        self._answer_bytes = 0  # of the answers in _started
        self._is_queued = False  # for a later round of the loop
        self.is_writable = True
        self.is_final = False
        self.is_ahead = False
        self.waiting_bytes = 0

    def __len__(self) -> int:
        return len(self._started) + len(self._unstarted)

    def take(self, exchange: Exchange) -> None:
        """Answer a request, in its turn."""
        if self._started or self._unstarted or not self.is_writable or self.is_ahead:
            if self._unstarted or not self.is_writable or not self._may_begin(exchange.begun):
                self._hold(exchange)
                self._unstarted.append(exchange)
                self.advance()
                return
        self.is_ahead = True
        reply = begin(exchange, self._context)
        if not isinstance(reply, Reply):
            self._await(exchange, reply)
        elif self._started:
            self._keep(exchange, reply)
            self.advance()
        else:
            self._send(exchange, reply)

    def reply(self, exchange: Exchange) -> None:
        """Write a reply that is there already, behind those to all requests before it."""
        self._unstarted.append(exchange)
        self.advance()

    def advance(self, is_turn: bool = False) -> None:
        """Send what is ready in order, begin what may be begun. `is_turn`: this round of the loop is this one's."""
        started, unstarted = self._started, self._unstarted
        try:
            while self.is_writable and self._transport is not None:
                if self._slices is not None:
                    if not is_turn:
                        self._wait_for_turn()
                        break
                    is_turn = False
                    self._send_slice(self._slices)
                elif started and started[0].reply is not None:
                    exchange = started.popleft()
                    self._answer_bytes -= len(exchange.reply[1])  # type: ignore[index]
                    self._send(exchange, exchange.reply)  # type: ignore[arg-type]
                elif unstarted and self._has_room():
                    if not (is_turn or unstarted[0].reply is not None or self._context.rounds_allow()):
                        self._wait_for_turn()
                        break
                    is_turn = False
                    self._start(unstarted.popleft())
                else:
                    break
            self._owner.answered()
        except Exception:
            log.exception("an answer could not be sent")
            self._owner.abort()

    def lost(self) -> None:
        """The connection is gone: begin nothing more, write nothing more."""
        self._transport = None
        self._slices = None
        for exchange in self._unstarted:
            self._release(exchange)
        self._unstarted.clear()

    # Beginning

    def _may_begin(self, now: float) -> bool:
        return self._has_room() and self._context.rounds.allows(now)

    def _has_room(self) -> bool:
        settings = self._context.settings
        return len(self._started) < settings.pipeline_requests_max and self._answer_bytes <= settings.answers_bytes_max

    def _wait_for_turn(self) -> None:
        if not self._is_queued:
            self._is_queued = True
            self._context.rounds.later(self._turn)

    def _turn(self) -> None:
        self._is_queued = False
        self.advance(is_turn=True)

    def _start(self, exchange: Exchange) -> None:
        reply = exchange.reply or begin(exchange, self._context)
        if isinstance(reply, Reply):
            self._release(exchange)
            self._keep(exchange, reply)
        else:
            self._await(exchange, reply)

    def _keep(self, exchange: Exchange, reply: Reply) -> None:
        exchange.reply = reply
        self._answer_bytes += len(reply.body)
        self._started.append(exchange)

    def _await(self, exchange: Exchange, future: Waiting) -> None:
        if not exchange.held:
            self._hold(exchange)
        self._started.append(exchange)
        future.add_done_callback(partial(self._answered, exchange))
        self._owner.answered()

    def _answered(self, exchange: Exchange, future: Waiting) -> None:
        reply = exchange.reply = result_of(future, exchange)
        self._answer_bytes += len(reply.body)
        self._release(exchange)
        self.advance()

    def _hold(self, exchange: Exchange) -> None:
        exchange.held = held = len(exchange.body)
        self.waiting_bytes += held
        self._context.admission.held_bytes += held

    def _release(self, exchange: Exchange) -> None:
        held = exchange.held
        if held:
            exchange.held = 0
            exchange.body = b""
            self.waiting_bytes -= held
            self._context.admission.held_bytes -= held

    # Sending

    def _send(self, exchange: Exchange, reply: Reply) -> None:
        context = self._context
        if reply is PROCEED:
            context.outbox.put(self._transport, CONTINUE)
            return
        status, body, error = reply
        last = self.is_final and not self._started and not self._unstarted
        if len(body) > WHOLE_BYTES_MAX and exchange.method != b"HEAD":
            self._send_in_slices(exchange, reply, last)
            return
        if status == 200 and exchange.form is USUAL and not last:
            head = context.heads.usual(exchange.request_id, body)
        else:
            head, body = context.heads.head(status, exchange.form, exchange.request_id, body, not last)
        context.outbox.put(self._transport, head if exchange.method == b"HEAD" else head + body)
        context.observe(exchange.operation, context.monotonic() - exchange.begun, status, error)
        if last:
            self._owner.end()

    def _send_in_slices(self, exchange: Exchange, reply: Reply, last: bool) -> None:
        """Begin a large answer, whose exchange stays the first of `_started` until all of it is written."""
        exchange.reply = reply
        self._answer_bytes += len(reply.body)
        self._started.appendleft(exchange)
        self._slices = self._context.heads.in_slices(
            reply.status, exchange.form, exchange.request_id, reply.body, not last
        )
        self._context.outbox.flush()
        self._send_slice(self._slices)
        if self._slices is not None:
            self.advance()

    def _send_slice(self, slices: Iterator[Slice]) -> None:
        parts, is_last = next(slices)
        if parts:
            self._transport.writelines(parts)
        if is_last:
            self._sent()

    def _sent(self) -> None:
        self._slices = None
        context = self._context
        exchange = self._started.popleft()
        status, body, error = exchange.reply  # type: ignore[misc]
        self._answer_bytes -= len(body)
        context.observe(exchange.operation, context.monotonic() - exchange.begun, status, error)
        if self.is_final and not self._started and not self._unstarted:
            self._owner.end()
