"""The writer: one write transaction after another, each with all updates that wait, and one fsync each.

Two threads share the work. LMDB wants a write transaction begun and committed by one thread, and both may block (on
another process's transaction, on the disk): that is the writer's thread. To compare versions and put bytes is Python,
and would fight the event loop for the interpreter lock, so that runs on the event loop:

event loop   submit -> | wake                    | fill: all that waits |            | answer all writer       idle
| begin (may block) -> post |  wait                | commit -> post |

While the writer commits, the event loop goes on, and what is submitted meanwhile goes into the next transaction. From
begin to commit all writers of all processes wait. So an event loop that is busy with something else is not waited for:
after a moment the writer's thread fills the turn itself.

Where commits wait for no disk, to pass a turn from thread to thread costs more than the turn: there the event loop does
small ones by itself, if nobody else writes (`direct.py`), and leaves to the thread what it might have to wait for.
"""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

import logging
import os
from asyncio import AbstractEventLoop
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock, Thread

import lmdb

from statordb.engine.lmdb.direct import Direct, answer, post
from statordb.engine.lmdb.entries import Entry
from statordb.engine.lmdb.epoch import Epoch
from statordb.engine.lmdb.gate import Gate
from statordb.engine.lmdb.headroom import Headroom
from statordb.engine.lmdb.turn import Transactor, Turn
from statordb.engine.lmdb.waiting import Waiting

FILL_SECONDS = 0.002  # that an event loop has to begin with filling a turn

log = logging.getLogger(__name__)


def end_process() -> None:
    os._exit(os.EX_SOFTWARE)


class Writer:
    """Runs entries in the order of `submit` and answers each by its `answer`, on the loop that waits for it.

    totals  of what was committed.
    """

    def __init__(
        self,
        env: lmdb.Environment,
        epoch: Epoch,
        gate: Gate,
        headroom: Headroom | None = None,
        end: Callable[[], None] = end_process,
    ) -> None:
        """`end`: ends the process, where nothing can be written any more."""
        self._gate = gate
        self._end = end
        self._waiting = Waiting(gate.pace.rest)
        self.totals = self._transactor = Transactor(env, epoch, gate, self._waiting, headroom)
        self._right = Lock()  # to do turns; whoever waits in `_wakes` for True is given it
        self._wakes: SimpleQueue[bool] = SimpleQueue()  # False: end
        self._direct = (
            Direct(gate, self._waiting, self._transactor, self._right, self._wakes, self._failed)
            if gate.can_be_tried
            else None
        )
        self._begun: Turn | None = None  # a turn that waits to be filled
        self._filled: SimpleQueue[Turn] = SimpleQueue()
        self._thread = Thread(target=self._run, name="lmdb-writer", daemon=True)
        self._thread.start()

    # On the event loop

    def submit(self, entry: Entry) -> None:
        """Hand in an update or a job. Raises Overloaded."""
        self._waiting.add(entry)
        if self._right.acquire(blocking=False):
            # Not at once: what else is ready now joins the batch, and the threads do not meet at the interpreter lock.
            loop = entry.answer.get_loop()
            if self._direct is None:
                loop.call_soon(self._wakes.put, True)
            else:
                loop.call_soon(self._direct.turn, loop)

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for an update: its thread works, or is about to."""
        return self._right.locked()

    def close(self) -> None:
        """Let the thread end behind the last entry handed in. The loop must go on until `join` is through."""
        if self._direct is not None:
            self._direct.ends = True
        self._wakes.put(False)

    def join(self) -> None:
        self._thread.join()
        self._gate.close()

    def _answer(self, entries: list[Entry]) -> None:
        begun = self._begun
        if begun is not None:  # so that the disk works while these are told
            self._fill(begun)
        answer(entries)

    # On either

    def _fill(self, turn: Turn) -> None:
        """Do what waits inside a transaction that was begun for it."""
        if turn.claim.acquire(blocking=False):
            self._begun = None
            self._transactor.fill(turn)
            self._filled.put(turn)

    def _failed(self) -> None:
        """Who waits for this writer would wait for ever; and after a fault in the file's own pages (MDB_PANIC) no
        update of this process can succeed any more."""
        log.critical("the writer has failed, and ends its process", exc_info=True)
        self._end()

    # On the writer's thread

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException:
            self._failed()

    def _serve(self) -> None:
        waiting, right = self._waiting, self._right
        going = self._has_right(0)
        while going or waiting:
            pause = waiting.pause()
            if waiting and not pause:
                loop = waiting.first().answer.get_loop()
                self._turn(loop)
                if going and self._is_given_back(loop):
                    going = self._has_right(0)
                continue
            right.release()
            if waiting.is_pressing() or (waiting and not pause):  # handed in by somebody who did not see that
                if right.acquire(blocking=False):
                    continue
                pause = 0
            going = self._has_right(pause) and going

    def _has_right(self, pause: float) -> bool:
        """Wait for the right to do turns, or for `pause` (seconds; 0: for ever). False: nothing more is handed in."""
        try:
            going = self._wakes.get(timeout=pause or None)
        except Empty:
            return self._right.acquire(blocking=False) or self._has_right(0)
        # At the end it may be with the event loop, which gives it away then.
        return going or not (self._right.acquire(blocking=False) or self._wakes.get())

    def _is_given_back(self, loop: AbstractEventLoop) -> bool:
        """Whether the event loop goes on, since the next turn is one for it."""
        direct, waiting = self._direct, self._waiting
        return direct is not None and bool(waiting) and waiting.is_light() and post(loop, direct.turn, loop)

    def _turn(self, loop: AbstractEventLoop) -> None:
        """One transaction for what waits."""
        self._gate.ask()
        turn = self._transactor.begin()
        if turn.txn is not None:
            self._begun = turn
            self._have_filled(loop, turn)
            self._transactor.end(turn)
        if turn.entries:
            self._tell(turn.entries)

    def _have_filled(self, loop: AbstractEventLoop, turn: Turn) -> None:
        """Let the event loop fill the turn; if it is gone, stands still or is busy, fill it here."""
        if post(loop, self._fill, turn):
            try:
                self._filled.get(timeout=FILL_SECONDS)
                return
            except Empty:
                pass
        self._fill(turn)  # does nothing if the loop has begun to
        self._filled.get()

    def _tell(self, entries: list[Entry]) -> None:
        for each in {entry.answer.get_loop() for entry in entries}:
            post(each, self._answer, [entry for entry in entries if entry.answer.get_loop() is each])
