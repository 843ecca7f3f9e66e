"""Answers of one connection to bytes: small ones at once, large ones in slices."""

from collections.abc import Iterator
from typing import Any

from statordb.model.request import Reply
from statordb.wire.context import WireContext
from statordb.wire.exchange import Exchange
from statordb.wire.reply import CONTINUE, USUAL, WHOLE_BYTES_MAX, Slice


class Writer:
    """Writes one answer after the other. `sliced`: the exchange whose answer is being written in slices."""

    __slots__ = ("_context", "_slices", "_transport", "sliced")

    def __init__(self, context: WireContext, transport: Any) -> None:
        self._context = context
        self._transport = transport
        self._slices: Iterator[Slice] | None = None
        self.sliced: Exchange | None = None

    def write(self, exchange: Exchange, reply: Reply, last: bool) -> bool:
        """Write an answer; `last`: the connection closes after it. False: `go_on` until it returns True."""
        status, body, _ = reply
        context = self._context
        if len(body) > WHOLE_BYTES_MAX and exchange.method != b"HEAD":
            exchange.reply = reply
            self.sliced = exchange
            self._slices = context.heads.in_slices(status, exchange.form, exchange.request_id, body, not last)
            context.outbox.flush()
            return False
        if status == 200 and exchange.form is USUAL and not last:
            head = context.heads.usual(exchange.request_id, body)
        else:
            head, body = context.heads.head(status, exchange.form, exchange.request_id, body, not last)
        context.outbox.put(self._transport, head if exchange.method == b"HEAD" else head + body)
        context.observe(exchange, reply, context.monotonic() - exchange.begun)
        return True

    def go_on(self) -> bool:
        """Write the next slice of a large answer. Returns whether it was the last."""
        exchange, context = self.sliced, self._context
        assert exchange is not None
        assert exchange.reply is not None
        assert self._slices is not None
        parts, is_last = next(self._slices)
        if parts:
            self._transport.writelines(parts)
        if is_last:
            self.sliced = self._slices = None
            context.observe(exchange, exchange.reply, context.monotonic() - exchange.begun)
        return is_last

    def proceed(self) -> None:
        """Ask for the body of the request that is being read."""
        self._context.outbox.put(self._transport, CONTINUE)

    def lost(self) -> None:
        """The connection is gone."""
        self.sliced = self._slices = None
