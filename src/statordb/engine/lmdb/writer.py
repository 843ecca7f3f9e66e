"""The writer: one write transaction after another, each with all updates that wait, and one fsync each.

Two threads share the work, and never run Python code against each other. LMDB wants a write transaction begun and
committed by one thread, and both may block (on another process's transaction, on the disk): that is the writer's
thread. The plans are Python, and would fight the event loop for the interpreter lock, so they run on the event loop:

event loop   submit -> | wake                    | run all that waits |            | answer all writer       idle
| begin (may block) -> post |  wait              | commit -> post |

While the writer commits, the event loop goes on, and what is submitted meanwhile goes into the next transaction.
"""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

import errno
import logging
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import perf_counter

import lmdb

from statordb.engine.contract import OutcomeUnknown, Refused
from statordb.engine.lmdb.batch import TICKS_MAX, Batch, Job, Update
from statordb.engine.lmdb.epoch import Epoch
from statordb.engine.lmdb.headroom import Headroom

BATCH_ENTRIES_MAX = 1024
BATCH_BYTES_MAX = 16 << 20  # of rows and changes; a batch ends with the update that reaches it
BATCH_TICKS_MAX = TICKS_MAX // 2
LOOP_GONE_SECONDS = 0.5  # between two looks whether an event loop that was asked to run a batch still runs

Entry = Update | Job

FULL = (errno.ENOSPC, errno.EDQUOT)

log = logging.getLogger(__name__)


class WriteFailed(Exception):
    """The store could not take an update, for want of room or a fault below it; it is known not to have happened."""


class Turn:
    """One transaction on its way: begun by the writer, filled on the event loop, committed by the writer."""

    __slots__ = ("batch", "claim", "entries", "spoiled", "txn")

    def __init__(self, txn: lmdb.Transaction[bytes]) -> None:
        self.txn = txn
        self.claim = Lock()  # taken by whoever fills it
        self.entries: list[Entry] = []
        self.batch: Batch | None = None
        self.spoiled = False


class Writer:
    """Runs entries in the order of `submit` and answers each by its `answer`, on the loop that waits for it."""

    def __init__(self, env: lmdb.Environment, epoch: Epoch, headroom: Headroom | None = None) -> None:
        self._env = env
        self._epoch = epoch
        self._headroom = headroom
        self._waiting: deque[Entry] = deque()
        self._alone = 0  # so many of those in front get a transaction of their own, after one of them spoiled theirs
        self._idle = False  # the writer waits to be woken, or is about to look once more before it does
        self._begun: Turn | None = None  # a turn that waits to be filled
        self._wakes: SimpleQueue[bool] = SimpleQueue()  # False: end
        self._filled: SimpleQueue[Turn] = SimpleQueue()
        self.updates_total = 0
        self.refused_total = 0
        self.commits_total = 0
        self.batch_size_total = 0
        self.commit_seconds_total = 0.0
        self._thread = Thread(target=self._run, name="lmdb-writer", daemon=True)
        self._thread.start()

    # On the event loop

    def submit(self, entry: Entry) -> None:
        """Hand in an update or a job."""
        self._waiting.append(entry)
        if self._idle:
            self._idle = False
            # Not at once: what else is ready now joins the batch, and the threads do not meet at the interpreter lock.
            entry.answer.get_loop().call_soon(self._wakes.put, True)

    def close(self) -> None:
        """Let the thread end behind the last entry handed in. The loop must go on until `join` is through."""
        self._wakes.put(False)

    def join(self) -> None:
        self._thread.join()

    def _fill(self, turn: Turn) -> None:
        """Run what waits inside a transaction that was begun for it."""
        if not turn.claim.acquire(blocking=False):
            return
        self._begun = None
        batch = turn.batch = Batch(turn.txn)
        entries, waiting = turn.entries, self._waiting
        entries_max = 1 if self._alone else BATCH_ENTRIES_MAX
        try:
            while waiting and len(entries) < entries_max:
                entry = waiting.popleft()
                entries.append(entry)
                entry.run(batch)
                if batch.bytes > BATCH_BYTES_MAX or batch.ticks > BATCH_TICKS_MAX:
                    break
            batch.finish()
            if self._headroom is not None:
                self._headroom.keep()
        except BaseException as error:
            # The transaction may hold half of an entry: nothing of it may be kept.
            turn.spoiled = True
            if len(entries) > 1:
                waiting.extendleft(reversed(entries))
                self._alone = len(entries)
                entries.clear()
            else:
                _fail(entries, error)
        if self._alone and entries:
            self._alone -= 1
        self._filled.put(turn)

    def _answer(self, entries: list[Entry]) -> None:
        begun = self._begun
        if begun is not None:  # so that the disk works while these are told
            self._fill(begun)
        for entry in entries:
            if entry.__class__ is Update and entry.error is None:
                self.updates_total += 1
                if entry.outcome.__class__ is Refused:
                    self.refused_total += 1
            try:
                if entry.error is not None:
                    entry.answer.set_exception(entry.error)
                else:
                    entry.answer.set_result(entry.outcome)
            except Exception:
                # Whoever waited for this one failed; the others must hear all the same.
                log.exception("the receiver of an update's answer failed")

    # On the writer's thread

    def _run(self) -> None:
        waiting = self._waiting
        going = True
        while going or waiting:
            if waiting:
                self._turn(waiting[0].answer.get_loop())
                continue
            self._idle = True
            if waiting:  # handed in by somebody who did not see that
                self._idle = False
            else:
                going = self._wakes.get()

    def _turn(self, loop: AbstractEventLoop) -> None:
        """One transaction for what waits."""
        try:
            txn = self._env.begin(write=True)
        except lmdb.Error as error:
            entries = [self._waiting.popleft()]
            _fail(entries, error)
            self._tell(loop, entries)
            return
        turn = self._begun = Turn(txn)
        self._have_filled(loop, turn)
        if turn.spoiled:
            txn.abort()
        else:
            self._commit(turn)
        if turn.entries:
            self._tell(loop, turn.entries)

    def _have_filled(self, loop: AbstractEventLoop, turn: Turn) -> None:
        """Let the event loop run what waits; if it is gone, or stands still, run it here."""
        posted = _post(loop, self._fill, turn)
        while True:
            if not posted or not loop.is_running():
                self._fill(turn)  # does nothing if the loop has begun to
            try:
                self._filled.get(timeout=LOOP_GONE_SECONDS)
                return
            except Empty:
                continue

    def _commit(self, turn: Turn) -> None:
        entries, batch = turn.entries, turn.batch
        assert batch is not None, "a filled turn has a batch"
        started = perf_counter()
        try:
            turn.txn.commit()
        except lmdb.Error as error:
            full = isinstance(error, lmdb.MapFullError) or error.code in FULL
            _fail(entries, error, unknown=not full)
            return
        if batch.announce:
            self._epoch.store(batch.transaction)
        self.commit_seconds_total += perf_counter() - started
        self.commits_total += 1
        self.batch_size_total += len(entries)

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
