"""The requests of one connection that are complete, and their answers in order.

A request whose answer is there at once is answered before the next one is read. Answers that come later, and the
requests behind them, wait in `_started`; what may not be begun yet waits in `_unstarted`.
"""

import logging
from collections import deque
from functools import partial
from typing import Any, Protocol

from statordb.model.request import Reply
from statordb.wire.context import WireContext
from statordb.wire.exchange import Exchange, Waiting, result_of
from statordb.wire.serving import begin, served
from statordb.wire.settings import WireSettings
from statordb.wire.writer import Writer

PROCEED = Reply(100, b"")

log = logging.getLogger(__name__)


class Owner(Protocol):
    """The connection, as its answers see it."""

    def answered(self) -> None:
        """As many requests wait as there are now, not as many as before: perhaps more may be read, or less.

        Need not be called while requests become fewer and nothing `holds_up`.
        """

    def end(self) -> None:
        """The last answer has been written."""

    def abort(self) -> None:
        """An answer could not be written."""


class Answers:
    """Begins what `take` gives it, and has the answers written.

    is_writable  whether the transport takes more;  is_final: no request comes after those that are here.
    is_ahead     whether the next request comes behind another of the same read.
    holds_up     whether the connection has stopped reading, and is to be told when fewer requests wait.
    waiting_bytes  bodies of the requests that wait for their answer.
    """

    __slots__ = (
        "_answer_bytes",
        "_context",
        "_is_lost",
        "_is_queued",
        "_owner",
        "_started",
        "_unstarted",
        "_writer",
        "holds_up",
        "is_ahead",
        "is_final",
        "is_writable",
        "waiting_bytes",
    )

    def __init__(self, context: WireContext, transport: Any, owner: Owner) -> None:
        self._context = context
        self._writer = Writer(context, transport)
        self._owner = owner
        self._started: deque[Exchange] = deque()  # the first may be one whose answer is being written
        self._unstarted: deque[Exchange] = deque()
        self._answer_bytes = 0  # of the answers in _started
        self._is_queued = False  # for a later round of the loop
        self._is_lost = False
        self.is_writable = True
        self.is_final = False
        self.is_ahead = False
        self.holds_up = False
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
        reply = served(exchange, self._context) if exchange.is_recognised else begin(exchange, self._context)
        if not isinstance(reply, Reply):
            self._await(exchange, reply)
        elif self._started:
            self._keep(exchange, reply)
            self.advance()
        elif self.is_final or self._unstarted:
            self._send(exchange, reply)
        elif not self._writer.write(exchange, reply, False):  # as `_send`, without the call
            self._send_in_slices(exchange, reply)

    def reply(self, exchange: Exchange) -> None:
        """Write a reply that is there already, behind those to all requests before it."""
        self._unstarted.append(exchange)
        self.advance()

    def advance(self, is_turn: bool = False) -> None:
        """Send what is ready in order, begin what may be begun. `is_turn`: this round of the loop is this one's."""
        started, unstarted, writer = self._started, self._unstarted, self._writer
        try:
            while self.is_writable and not self._is_lost:
                if writer.sliced is not None:
                    if not is_turn:
                        self._wait_for_slice()
                        break
                    is_turn = False
                    if writer.go_on():
                        self._sent(started.popleft())
                elif started and started[0].reply is not None:
                    self._send_waiting(started.popleft())
                elif unstarted and self._has_room():
                    if not (is_turn or unstarted[0].reply is not None or self._context.rounds_allow()):
                        self._wait_for_turn()
                        break
                    is_turn = False
                    self._start(unstarted.popleft())
                else:
                    break
            if (self.holds_up or unstarted) and not self._is_lost:
                self._owner.answered()
        except Exception:
            log.exception("an answer could not be sent")
            self._owner.abort()

    def lost(self) -> None:
        """The connection is gone: begin nothing more, write nothing more."""
        self._is_lost = True
        del self._owner  # which holds this object
        self._writer.lost()
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

    def _wait_for_slice(self) -> None:
        if not self._is_queued:
            self._is_queued = True
            self._context.slices(self._owner, self._turn)

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
        settings = self._context.settings
        if self.waiting_bytes > settings.waiting_bytes_max or len(self._started) >= settings.pipeline_requests_max:
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
        last = self.is_final and not self._started and not self._unstarted
        if not self._writer.write(exchange, reply, last):
            self._send_in_slices(exchange, reply)
        elif last:
            self._owner.end()

    def _send_in_slices(self, exchange: Exchange, reply: Reply) -> None:
        self._answer_bytes += len(reply.body)
        self._started.appendleft(exchange)
        self.advance()

    def _send_waiting(self, exchange: Exchange) -> None:
        reply = exchange.reply
        assert reply is not None
        self._answer_bytes -= len(reply.body)
        if reply is PROCEED:
            self._writer.proceed()
        else:
            self._send(exchange, reply)

    def _sent(self, exchange: Exchange) -> None:
        """A large answer is written, and the client may have ended its side meanwhile."""
        assert exchange.reply is not None
        self._answer_bytes -= len(exchange.reply.body)
        if self.is_final and not self._started and not self._unstarted:
            self._owner.end()


def take_more(answers: Answers, settings: WireSettings) -> bool:
    """Whether there is room for the answers to further requests."""
    return (
        answers.is_writable
        and len(answers) < settings.pipeline_requests_max
        and answers.waiting_bytes <= settings.waiting_bytes_max
    )
