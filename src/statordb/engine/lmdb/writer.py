"""The writer: one write transaction after another, each with all updates that wait, and one fsync each.

Two threads share the work. LMDB wants a write transaction begun and committed by one thread, and both may block (on
another process's transaction, on the disk): that is the writer's thread. To compare versions and put bytes is Python,
and would fight the event loop for the interpreter lock, so that runs on the event loop:

event loop   submit -> | wake                    | fill: all that waits |            | answer all writer       idle
| begin (may block) -> post |  wait                | commit -> post |

While the writer commits, the event loop goes on, and what is submitted meanwhile goes into the next transaction. From
begin to commit all writers of all processes wait. So an event loop that is busy with something else is not waited for:
after a moment the writer's thread fills the turn itself.
"""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

import errno
import gc
import logging
import os
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import perf_counter

import lmdb

from statordb.engine.contract import OutcomeUnknown
from statordb.engine.lmdb.batch import Batch
from statordb.engine.lmdb.entries import Entry
from statordb.engine.lmdb.epoch import Epoch
from statordb.engine.lmdb.gate import Gate
from statordb.engine.lmdb.headroom import Headroom
from statordb.engine.lmdb.pace import LARGE_TURN_BYTES_MIN
from statordb.engine.lmdb.prepared import TICKS_MAX
from statordb.engine.lmdb.waiting import Waiting, is_large

BATCH_ENTRIES_MAX = 1024
BATCH_TICKS_MAX = TICKS_MAX // 2
FILL_SECONDS = 0.002  # that an event loop has to begin with filling a turn
TURN_SECONDS = 0.002  # after which a turn takes no more: the rest goes into the next

FULL = (errno.ENOSPC, errno.EDQUOT)

log = logging.getLogger(__name__)


class WriteFailed(Exception):
    """The store could not take an update, for want of room or a fault below it; it is known not to have happened."""


class Turn:
    """One transaction on its way: begun by the writer, filled on the event loop, committed by the writer."""

    __slots__ = ("batch", "claim", "entries", "since", "spoiled", "txn")

    def __init__(self, txn: lmdb.Transaction[memoryview]) -> None:
        self.txn = txn
        self.since = perf_counter()
        self.claim = Lock()  # taken by whoever fills it
        self.entries: list[Entry] = []
        self.batch: Batch | None = None  # once it is filled
        self.spoiled = False


def end_process() -> None:
    os._exit(os.EX_SOFTWARE)


class Writer:
    """Runs entries in the order of `submit` and answers each by its `answer`, on the loop that waits for it."""

    def __init__(
        self,
        env: lmdb.Environment,
        epoch: Epoch,
        gate: Gate,
        headroom: Headroom | None = None,
        end: Callable[[], None] = end_process,
    ) -> None:
        """`end`: ends the process, where nothing can be written any more."""
        self._env = env
        self._gate = gate
        self._end = end
        self._epoch = epoch
        self._headroom = headroom
        self._waiting = Waiting(gate.pace.rest)
        self._idle = False  # the writer waits to be woken, or is about to look once more before it does
        self._begun: Turn | None = None  # a turn that waits to be filled
        self._wakes: SimpleQueue[bool] = SimpleQueue()  # False: end
        self._filled: SimpleQueue[Turn] = SimpleQueue()
        self.commits_total = 0
        self.batch_size_total = 0
        self.commit_seconds_total = 0.0
        self._thread = Thread(target=self._run, name="lmdb-writer", daemon=True)
        self._thread.start()

    # On the event loop

    def submit(self, entry: Entry) -> None:
        """Hand in an update or a job. Raises Overloaded."""
        self._waiting.add(entry)
        if self._idle:
            self._idle = False
            # Not at once: what else is ready now joins the batch, and the threads do not meet at the interpreter lock.
            entry.answer.get_loop().call_soon(self._wakes.put, True)

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for an update: its thread works, or is about to."""
        return not self._idle

    def close(self) -> None:
        """Let the thread end behind the last entry handed in. The loop must go on until `join` is through."""
        self._wakes.put(False)

    def join(self) -> None:
        self._thread.join()
        self._gate.close()

    def _answer(self, entries: list[Entry]) -> None:
        begun = self._begun
        if begun is not None:  # so that the disk works while these are told
            self._fill(begun)
        for entry in entries:
            try:
                if entry.error is not None:
                    entry.answer.set_exception(entry.error)
                else:
                    entry.answer.set_result(entry.outcome)
            except Exception:
                # Whoever waited for this one failed; the others must hear all the same.
                log.exception("the receiver of an update's answer failed")

    # On either

    def _fill(self, turn: Turn) -> None:
        """Do what waits inside a transaction that was begun for it."""
        if not turn.claim.acquire(blocking=False):
            return
        self._begun = None
        entries, waiting = turn.entries, self._waiting
        entries_max = 1 if waiting.alone else BATCH_ENTRIES_MAX
        until = perf_counter() + TURN_SECONDS
        try:
            batch = turn.batch = Batch(turn.txn, self._gate.hold)
            while len(entries) < entries_max and batch.ticks <= BATCH_TICKS_MAX:
                entry = waiting.take(batch.bytes, len(entries))
                if entry is None:
                    break
                entries.append(entry)
                if not entry.run(batch):
                    waiting.put_back(entries.pop())
                    break
                if perf_counter() > until:
                    break
            batch.finish()
        except BaseException as error:
            # The transaction may hold half of an entry: nothing of it may be kept.
            turn.spoiled = True
            if len(entries) > 1:
                waiting.alone.extend(entries)
                entries.clear()
            else:
                _fail(entries, error)
        self._filled.put(turn)

    # On the writer's thread

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException:
            # Who waits for this thread would wait for ever; and after a fault in the file's own pages (MDB_PANIC) no
            # update of this process can succeed any more.
            log.critical("the writer has failed, and ends its process", exc_info=True)
            self._end()

    def _serve(self) -> None:
        waiting = self._waiting
        going = True
        while going or waiting:
            pause = waiting.pause()
            if waiting and not pause:
                self._turn(waiting.first().answer.get_loop())
                continue
            self._idle = True
            if waiting.is_pressing() or (waiting and not pause):  # handed in by somebody who did not see that
                self._idle = False
            elif not pause:
                going = self._wakes.get()
            else:
                with suppress(Empty):
                    going = self._wakes.get(timeout=pause) and going
                self._idle = False

    def _turn(self, loop: AbstractEventLoop) -> None:
        """One transaction for what waits."""
        self._gate.ask()
        try:
            txn = self._env.begin(write=True, buffers=True)  # most of what is read is looked at, not kept
        except lmdb.PanicError:
            raise
        except lmdb.Error as error:
            self._gate.leave()
            entry = self._waiting.take(0, 0)
            assert entry is not None, "nobody else takes while no turn is begun"
            _fail([entry], error)
            self._tell(loop, [entry])
            return
        self._gate.fill()
        collects = gc.isenabled()
        gc.disable()  # a collection takes longer than most turns, and every writer would wait for it
        turn = self._begun = Turn(txn)
        self._have_filled(loop, turn)
        self._gate.commit()
        if turn.spoiled:
            txn.abort()
        else:
            self._commit(turn, collects)
        if collects:
            gc.enable()
        self._gate.leave()
        if turn.entries:
            self._tell(loop, turn.entries)

    def _have_filled(self, loop: AbstractEventLoop, turn: Turn) -> None:
        """Let the event loop fill the turn; if it is gone, stands still or is busy, fill it here."""
        if _post(loop, self._fill, turn):
            try:
                self._filled.get(timeout=FILL_SECONDS)
                return
            except Empty:
                pass
        self._fill(turn)  # does nothing if the loop has begun to
        self._filled.get()

    def _commit(self, turn: Turn, collects: bool) -> None:
        """`collects`: garbage may be collected while the disk works."""
        entries, batch = turn.entries, turn.batch
        assert batch is not None, "a filled turn has a batch"
        started = perf_counter()
        try:
            self._let_go(batch, collects)
        except lmdb.Error as error:
            full = isinstance(error, lmdb.MapFullError) or error.code in FULL
            _fail(entries, error, unknown=not full)
            return
        if batch.announces:
            self._epoch.tell(batch.announcement, batch.names)
        ended = perf_counter()
        large = sum(map(is_large, entries))  # small ones may be many, and must not keep large ones waiting for ever
        self._gate.pace.done(batch.bytes if large else 0, ended - turn.since, large < len(entries))
        self.commit_seconds_total += ended - started
        self.commits_total += 1
        self.batch_size_total += len(entries)

    def _let_go(self, batch: Batch, collects: bool) -> None:
        """Commit, with which the write lock goes to others."""
        if self._headroom is not None and batch.bytes < LARGE_TURN_BYTES_MIN:  # else the zeros would come on top
            self._headroom.keep()
        if collects:
            gc.enable()
        batch.txn.commit()

    def _tell(self, loop: AbstractEventLoop, entries: list[Entry]) -> None:
        for each in {entry.answer.get_loop() for entry in entries}:
            _post(each, self._answer, [entry for entry in entries if entry.answer.get_loop() is each])


def _post(loop: AbstractEventLoop, call: Callable[..., None], *arguments: object) -> bool:
    """Have the event loop call; False if it was closed: who waited there is gone."""
    try:
        loop.call_soon_threadsafe(call, *arguments)
    except RuntimeError:
        return False
    return True


def _fail(entries: list[Entry], error: BaseException, unknown: bool = False) -> None:
    """Give each its own exception: one instance raised in several coroutines would mix their tracebacks."""
    for entry in entries:
        if not isinstance(error, lmdb.Error):
            entry.error = error
        elif unknown:
            entry.error = OutcomeUnknown(str(error))
        else:
            entry.error = WriteFailed(str(error))
