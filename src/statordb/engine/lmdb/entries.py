"""What waits for the writer: updates of this process, of another one, and jobs."""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

from collections.abc import Callable
from time import perf_counter
from typing import Any

import lmdb

from statordb.engine.lmdb.batch import Batch
from statordb.engine.lmdb.planning import Update
from statordb.engine.lmdb.prepared import Prepared
from statordb.engine.lmdb.rows import Txn
from statordb.model.pending import Pending

AGAIN = object()
"""The outcome of an update whose rows have changed: nothing was written, its plan is to run again, outside."""

WAIT = object()
"""The same of an update that is to run again after a moment: another one holds its rows."""


class Entry:
    """`run` within a write transaction leaves `error` or `outcome`, which `answer` is told once that is committed.
    Or it does nothing and gives back False, where there is no time left in the transaction for what it needs.

    An exception out of `run` means that the transaction may hold half of the entry; it may be run again in another.
    """

    __slots__ = ("answer", "bytes", "error", "outcome")

    def __init__(self, answer: Pending[Any], bytes: int = 0) -> None:
        """`bytes`: that it will write, about."""
        self.answer = answer
        self.bytes = bytes
        self.outcome: Any = None
        self.error: BaseException | None = None

    def run(self, batch: Batch) -> bool:
        raise NotImplementedError


class Job(Entry):
    """A piece of work that is no update: making, dropping and clearing spaces, trimming logs.

    `bytes`: what it is taken for beside updates.
    """

    __slots__ = ("_work",)

    def __init__(self, work: Callable[[Txn], Any], answer: Pending[Any], bytes: int = 0) -> None:
        super().__init__(answer, bytes)
        self._work = work

    def run(self, batch: Batch) -> bool:
        batch.put_rows()
        self.outcome = self._work(batch.txn)
        batch.bytes += self.bytes
        return True


class Foreign(Entry):
    """An update that another process prepared.

    Its outcome is None where it was applied, else the first row that has changed, or WAIT.
    """

    __slots__ = ("_prepared",)

    def __init__(self, prepared: Prepared, answer: Pending[bytes | None]) -> None:
        super().__init__(answer, prepared.bytes)
        self._prepared = prepared

    def run(self, batch: Batch) -> bool:
        prepared = self._prepared
        if batch.kept(prepared):
            self.outcome = WAIT
            return True
        self.outcome = batch.changed(prepared)
        if self.outcome is None:
            batch.apply(prepared)
        else:
            batch.keep(prepared)
        return True


class Write(Entry):
    """An update of this process: worked out, or put off. Its outcome is the update's answer, or AGAIN."""

    __slots__ = ("_replanned", "_update")

    def __init__(self, update: Update, answer: Pending[Any]) -> None:
        super().__init__(answer, update.bytes)
        self._update = update
        self._replanned = False

    def run(self, batch: Batch) -> bool:
        """A plan that fails when it runs again fails alone: nothing of it was applied then."""
        if self._replanned:
            # What it saw was spoiled with the transaction. The next one has the same id, and so the same versions.
            self.outcome, self.error = AGAIN, None
            return True
        update = self._update
        prepared = update.prepared
        if prepared is None:
            return self._run_put_off(batch)
        if batch.kept(prepared):
            self.outcome = WAIT
            return True
        row = batch.changed(prepared)
        if row is None:
            batch.apply(prepared)
            self.outcome = update.effects
            return True
        self.outcome = update.stale(row)
        if self.outcome is None:
            if update.inside:
                return self._replan(batch)
            self.outcome = AGAIN
        return True

    def _run_put_off(self, batch: Batch) -> bool:
        update = self._update
        guard = batch.broken(update.held)
        if guard is not None:
            self.outcome = update.stale(guard)
        elif batch.held is not None:  # of which rows only what is worked out can tell
            self.outcome = AGAIN
        else:
            return self._replan(batch)
        return True

    def _replan(self, batch: Batch) -> bool:
        """Run the plan on the rows as this transaction has left them, among which there are no old guards; False if
        there is no time left for that."""
        if batch.replan_seconds <= 0:
            return False
        update = self._update
        self._replanned = True
        started = perf_counter()
        try:
            update.read_again(batch.txn, batch.rows)
            self.outcome = update.work_out()
        except lmdb.Error:
            raise
        except BaseException as error:  # also what a plan should not raise: the writer outlives it, the caller gets it
            self.error = error
            return True
        finally:
            batch.replan_seconds -= perf_counter() - started
        if self.outcome is None:
            assert update.prepared is not None
            batch.apply(update.prepared)
            self.outcome = update.effects
        return True
