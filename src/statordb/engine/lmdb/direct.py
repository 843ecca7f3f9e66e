"""Turns that the event loop does by itself, from begin to commit, in a store that waits for no disk.

A commit takes some 20 µs there; to pass it to a thread and back takes several times as long, and has both threads want
the interpreter lock while all writers wait. The loop never waits for the lock: it tries the latch, and where another
process has it, it goes on with what else is ready and tries again in the next round. Soon the thread waits instead.
"""

from __future__ import annotations

import logging
from asyncio import AbstractEventLoop
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock
from time import perf_counter

from statordb.engine.lmdb.entries import Entry
from statordb.engine.lmdb.gate import Gate
from statordb.engine.lmdb.turn import Transactor
from statordb.engine.lmdb.waiting import Waiting

ENTRIES_MAX = 128  # of a turn: each may have a page written, half a megabyte in all
TRIED_SECONDS = 0.0005  # for which the latch is tried, before the thread waits for it
TOLD_SECONDS = 0.002  # for which those who waited go on in one round of the loop

log = logging.getLogger(__name__)


class Direct:
    """`turn` is called on the event loop, by whom has the right to do turns. `ends`: give it away, next time."""

    def __init__(
        self,
        gate: Gate,
        waiting: Waiting,
        transactor: Transactor,
        right: Lock,
        wakes: SimpleQueue[bool],
        failed: Callable[[], None],
    ) -> None:
        """`right` is released, or goes to the thread with a True in `wakes`. `failed`: told of what must not be."""
        self._gate = gate
        self._waiting = waiting
        self._transactor = transactor
        self._right = right
        self._wakes = wakes
        self._failed = failed
        self._tries_until = 0.0  # seconds of the clock; 0: the next try is the first
        self.ends = False

    def turn(self, loop: AbstractEventLoop) -> None:
        """One transaction for what waits, if it is small and nobody else writes."""
        if self.ends or not self._waiting.is_light():
            self._wakes.put(True)
            return
        try:
            entries = self._transact()
        except BaseException:
            self._failed()
            return
        if entries is None:
            self._try_again(loop)
            return
        try:
            self._tell(loop, entries)
        finally:
            self._go_on(loop)

    def _transact(self) -> list[Entry] | None:
        """The entries that can be answered; None: another process writes."""
        if not self._gate.try_ask():
            return None
        self._tries_until = 0.0
        turn = self._transactor.begin()
        if turn.txn is not None:
            self._transactor.fill(turn, ENTRIES_MAX)
            self._transactor.end(turn)
        return turn.entries

    def _tell(self, loop: AbstractEventLoop, entries: list[Entry]) -> None:
        for entry in entries:
            if entry.answer.get_loop() is not loop:
                post(entry.answer.get_loop(), answer, [entry])
        answer([entry for entry in entries if entry.answer.get_loop() is loop])

    def _go_on(self, loop: AbstractEventLoop) -> None:
        if self._waiting or self.ends:
            loop.call_soon(self.turn, loop)
        else:
            self._right.release()

    def _try_again(self, loop: AbstractEventLoop) -> None:
        now = perf_counter()
        if not self._tries_until:
            self._tries_until = now + TRIED_SECONDS
        if now < self._tries_until:
            loop.call_soon(self.turn, loop)
        else:
            self._tries_until = 0.0
            self._wakes.put(True)


def answer(entries: list[Entry], first: int = 0) -> None:
    """Tell those who wait, from the `first` on, what became of their entries; on their loop.

    What each of them goes on with may be little, but hundreds may have waited: when time is up, the others are told in
    the next round.
    """
    until = perf_counter() + TOLD_SECONDS
    for place in range(first, len(entries)):
        entry = entries[place]
        if place > first and perf_counter() >= until:
            entry.answer.get_loop().call_soon(answer, entries, place)
            return
        try:
            if entry.error is not None:
                entry.answer.set_exception(entry.error)
            else:
                entry.answer.set_result(entry.outcome)
        except Exception:
            # Whoever waited for this one failed; the others must hear all the same.
            log.exception("the receiver of an update's answer failed")


def post(loop: AbstractEventLoop, call: Callable[..., None], *arguments: object) -> bool:
    """Have the event loop call; False if it was closed: who waited there is gone."""
    try:
        loop.call_soon_threadsafe(call, *arguments)
    except RuntimeError:
        return False
    return True
