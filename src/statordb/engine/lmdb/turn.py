"""A turn: one write transaction with what it takes of all that waits, and one commit."""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

import errno
import gc
from threading import Lock
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
TURN_SECONDS = 0.002  # after which a turn takes no more: the rest goes into the next

FULL = (errno.ENOSPC, errno.EDQUOT)


class WriteFailed(Exception):
    """The store could not take an update, for want of room or a fault below it; it is known not to have happened."""


class Turn:
    """One transaction on its way: begun, filled, and ended.

    entries  that it took, and is to answer;  txn: None where it could not be begun.
    claim    taken by whoever fills it, where two may;  collects: whether garbage may be collected, but for it.
    """

    __slots__ = ("batch", "claim", "collects", "entries", "since", "spoiled", "txn")

    def __init__(self, txn: lmdb.Transaction[memoryview] | None, collects: bool = False) -> None:
        self.txn = txn
        self.collects = collects
        self.since = perf_counter()
        self.claim = Lock()
        self.entries: list[Entry] = []
        self.batch: Batch | None = None  # once it is filled
        self.spoiled = False


class Transactor:
    """Begins, fills and ends the turns of one writer, one after the other. Whoever is at it has passed the gate."""

    def __init__(
        self, env: lmdb.Environment, epoch: Epoch, gate: Gate, waiting: Waiting, headroom: Headroom | None
    ) -> None:
        self._env = env
        self._epoch = epoch
        self._gate = gate
        self._waiting = waiting
        self._headroom = headroom
        self.commits_total = 0
        self.batch_size_total = 0
        self.commit_seconds_total = 0.0

    def begin(self) -> Turn:
        """A turn to be filled, until whose end no garbage is collected; or one that is over, if its `txn` is None.

        Raises PanicError.
        """
        try:
            txn = self._env.begin(write=True, buffers=True)  # most of what is read is looked at, not kept
        except lmdb.PanicError:
            raise
        except lmdb.Error as error:
            self._gate.leave()
            entry = self._waiting.take(0, 0)
            assert entry is not None, "nobody else takes while no turn is begun"
            fail([entry], error)
            turn = Turn(None)
            turn.entries.append(entry)
            return turn
        self._gate.fill()
        collects = gc.isenabled()
        gc.disable()  # a collection takes longer than most turns, and every writer would wait for it
        return Turn(txn, collects)

    def fill(self, turn: Turn, entries_max: int = BATCH_ENTRIES_MAX) -> None:
        """Do what waits inside a transaction that was begun for it. Raises nothing."""
        entries, waiting = turn.entries, self._waiting
        if waiting.alone:
            entries_max = 1
        until = perf_counter() + TURN_SECONDS
        assert turn.txn is not None, "a turn is filled that was begun"
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
                fail(entries, error)

    def end(self, turn: Turn) -> None:
        """Commit what was filled: its entries can be answered."""
        assert turn.txn is not None, "a turn is ended that was begun"
        self._gate.commit()
        if turn.spoiled:
            turn.txn.abort()
        else:
            self._commit(turn)
        if turn.collects:
            gc.enable()
        self._gate.leave()

    def _commit(self, turn: Turn) -> None:
        entries, batch = turn.entries, turn.batch
        assert batch is not None, "a filled turn has a batch"
        started = perf_counter()
        try:
            self._let_go(batch, turn.collects)
        except lmdb.Error as error:
            full = isinstance(error, lmdb.MapFullError) or error.code in FULL
            fail(entries, error, unknown=not full)
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
        """Commit, with which the write lock goes to others. `collects`: garbage may be collected while the disk
        works."""
        if self._headroom is not None and batch.bytes < LARGE_TURN_BYTES_MIN:  # else the zeros would come on top
            self._headroom.keep()
        if collects:
            gc.enable()
        batch.txn.commit()


def fail(entries: list[Entry], error: BaseException, unknown: bool = False) -> None:
    """Give each its own exception: one instance raised in several coroutines would mix their tracebacks."""
    for entry in entries:
        if not isinstance(error, lmdb.Error):
            entry.error = error
        elif unknown:
            entry.error = OutcomeUnknown(str(error))
        else:
            entry.error = WriteFailed(str(error))
