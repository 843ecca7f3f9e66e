"""An engine that reads and plans, and has its updates applied by the writer of another process.

So its process never takes the write lock, and may be niced, busy or stopped without anybody waiting for it. What goes
to the other process and comes back is bytes: `Prepared.to_bytes`, and one of the verdicts here.
"""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

import os
from collections.abc import Awaitable, Callable
from typing import Any

import lmdb

from statordb.engine.contract import EngineClosed, OutcomeUnknown, Overloaded, Use
from statordb.engine.lmdb.entries import AGAIN, WAIT
from statordb.engine.lmdb.epoch import Epoch
from statordb.engine.lmdb.keys import Digest
from statordb.engine.lmdb.planner import Planner
from statordb.engine.lmdb.planning import Update
from statordb.engine.lmdb.reader import closed
from statordb.engine.lmdb.turn import WriteFailed

Send = Callable[[bytes], Awaitable[bytes]]
"""Takes a `Prepared` as bytes to `LmdbEngine.apply` of another process, and brings its verdict back. Raises
OutcomeUnknown where that got lost."""

HOLD_TRIES = 3  # after which the rows of an update that came too late are held for it
HOLD_SECONDS = 0.1  # for the way between the processes
HOLD_PLANS = 4  # for as many runs of its plan as the last one took
TRIES_MAX = 100  # of one update: others may hold the same rows, one after the other

APPLIED = b"a"
CHANGED = b"c"  # then the key of the row that changed
HELD = b"h"  # another update holds a row
_FAULTS: tuple[tuple[bytes, type[Exception]], ...] = (
    (b"f", WriteFailed),
    (b"u", OutcomeUnknown),
    (b"e", EngineClosed),
    (b"o", Overloaded),
)
"""First byte of a verdict that tells a fault; its text follows."""


class LaneEngine(Planner):
    """`contract.Engine` for requests on items: spaces and logs are neither made nor cut here."""

    def __init__(self, env: lmdb.Environment, epoch: Epoch, digest: Digest, send: Send) -> None:
        super().__init__(env, epoch, digest)
        self._send = send
        self._tickets = 0

    async def _hand_in(self, update: Update) -> Any:
        self._check_open()
        prepared = update.prepared
        assert prepared is not None
        if update.tries >= TRIES_MAX:
            raise Overloaded("rows change faster than an update of them can be planned")
        if update.tries >= HOLD_TRIES:
            prepared.ticket = self._ticket(update)
            prepared.hold_seconds = HOLD_SECONDS + HOLD_PLANS * update.seconds
        verdict = await self._send(prepared.to_bytes())
        kind = verdict[:1]
        if kind == APPLIED:
            return update.effects
        if kind == HELD:
            return WAIT
        if kind == CHANGED:
            return update.stale(verdict[1:]) or AGAIN
        raise _fault(verdict)

    def _ticket(self, update: Update) -> int:
        """Of one update, among all processes that live."""
        if not update.ticket:
            self._tickets += 1
            update.ticket = (os.getpid() << 32) + self._tickets
        return update.ticket

    async def create_space(self, use: Use = Use.ROWS, within: int | None = None) -> int:
        raise _not_here()

    async def drop_space(self, space: int) -> None:
        raise _not_here()

    async def reclaim(self, rows_max: int) -> bool:
        raise _not_here()

    async def trim(self, stream: int, shard: bytes, upto: int, rows_max: int) -> bool:
        raise _not_here()

    async def close(self) -> None:
        """Updates that were sent must have been answered."""
        if not self._closed:
            self._closed = True
            self._begin = self._begin_views = closed
            self._env.close()


def verdict_of(fault: Exception) -> bytes:
    """How an update went that raised."""
    for kind, raised in _FAULTS:
        if isinstance(fault, raised):
            return kind + str(fault).encode()
    return b"u" + repr(fault).encode()


def _fault(verdict: bytes) -> Exception:
    for kind, raised in _FAULTS:
        if verdict[:1] == kind:
            return raised(verdict[1:].decode())
    raise ValueError("a verdict of another release")


def _not_here() -> Exception:
    return NotImplementedError("a lane makes, drops and trims nothing")
