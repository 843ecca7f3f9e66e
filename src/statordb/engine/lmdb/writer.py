"""The writer: one thread a process that takes all updates that wait, in one write transaction with one fsync."""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

import errno
from asyncio import Future
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from time import perf_counter

import lmdb

from statordb.engine.contract import OutcomeUnknown, Refused
from statordb.engine.lmdb.batch import TICKS_MAX, Batch, Job, Update
from statordb.engine.lmdb.epoch import Epoch

BATCH_ENTRIES_MAX = 1024
BATCH_BYTES_MAX = 16 << 20  # of rows and changes; a batch ends with the update that reaches it
BATCH_TICKS_MAX = TICKS_MAX // 2

Entry = Update | Job


FULL = (errno.ENOSPC, errno.EDQUOT)


class WriteFailed(Exception):
    """The store could not take an update, for want of room or a fault below it; it is known not to have happened."""


class _Spoiled(Exception):
    """A batch's transaction was given up because one of several entries could not be applied."""


class Writer:
    """Runs entries in the order of `submit` and answers each by its future, on the loop that made it."""

    def __init__(self, env: lmdb.Environment, epoch: Epoch) -> None:
        self._env = env
        self._epoch = epoch
        self._waiting: SimpleQueue[Entry | None] = SimpleQueue()
        self._closing = False
        self.updates_total = 0
        self.refused_total = 0
        self.commits_total = 0
        self.batch_size_total = 0
        self.commit_seconds_total = 0.0
        self.submit: Callable[[Entry], None] = self._waiting.put
        self._thread = Thread(target=self._run, name="lmdb-writer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let the thread end behind the last entry handed in; `join` waits for it."""
        self._waiting.put(None)

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        while not self._closing:
            entry = self._waiting.get()
            if entry is None:
                return
            entries = [entry]
            try:
                self._turn(entries)
            except BaseException as error:  # whatever it is: those who wait must be answered, and the thread go on
                self._fail(entries, error)
            self._answer(entries)

    def _turn(self, entries: list[Entry]) -> None:
        """Run and commit `entries`, one as yet, and all that come to wait meanwhile."""
        try:
            self._transact(entries, gather=True)
        except _Spoiled:
            # One of them can't be applied: each gets a transaction of its own, and only that one fails.
            for entry in entries:
                self._transact([entry], gather=False)

    def _transact(self, entries: list[Entry], gather: bool) -> None:
        """Run `entries`, and with `gather` what comes to wait meanwhile (appended to it), and commit.

        Errors go into the entries. Raises _Spoiled where one of several could not be applied: nothing is written then.
        """
        try:
            # Another process may hold the write lock for long: what comes meanwhile is gathered too.
            txn = self._env.begin(write=True)
        except lmdb.Error as error:
            self._fail(entries, error)
            return
        try:
            batch = Batch(txn)
            entries[0].run(batch)
            if gather:
                self._gather(entries, batch)
            batch.finish()
        except BaseException as error:
            txn.abort()
            if len(entries) > 1:
                raise _Spoiled from error
            self._fail(entries, error)
            return
        self._commit(txn, batch, entries)

    def _gather(self, entries: list[Entry], batch: Batch) -> None:
        waiting = self._waiting
        while waiting.qsize() and len(entries) < BATCH_ENTRIES_MAX:
            if batch.bytes > BATCH_BYTES_MAX or batch.ticks > BATCH_TICKS_MAX:
                return
            entry = waiting.get()
            if entry is None:
                self._closing = True
                return
            entries.append(entry)
            entry.run(batch)

    def _commit(self, txn: lmdb.Transaction[bytes], batch: Batch, entries: list[Entry]) -> None:
        started = perf_counter()
        try:
            txn.commit()
        except lmdb.Error as error:
            full = isinstance(error, lmdb.MapFullError) or error.code in FULL
            self._fail(entries, error, unknown=not full)
            return
        if batch.announce:
            self._epoch.store(batch.transaction)
        self.commit_seconds_total += perf_counter() - started
        self.commits_total += 1
        self.batch_size_total += len(entries)

    def _fail(self, entries: list[Entry], error: BaseException, unknown: bool = False) -> None:
        """Give each its own exception: one instance raised in several coroutines would mix their tracebacks."""
        for entry in entries:
            if not isinstance(error, lmdb.Error):
                entry.error = error
            elif unknown:
                entry.error = OutcomeUnknown(str(error))
            else:
                entry.error = WriteFailed(str(error))

    def _answer(self, entries: list[Entry]) -> None:
        for entry in entries:
            if entry.__class__ is Update and entry.error is None:
                self.updates_total += 1
                if entry.outcome.__class__ is Refused:
                    self.refused_total += 1
        for loop in {entry.future.get_loop() for entry in entries}:
            mine = [entry.future for entry in entries if entry.future.get_loop() is loop]
            try:
                loop.call_soon_threadsafe(_wake, mine)
            except RuntimeError:
                # The loop was closed: who waited there is gone.
                continue


def _wake(futures: list[Future[None]]) -> None:
    for future in futures:
        if not future.done():  # its caller may have been cancelled
            future.set_result(None)
