"""The embedded engine: `contract.Engine` on one LMDB environment that several processes may share."""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

import asyncio
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any

from statordb.engine.contract import Use
from statordb.engine.lmdb import spaces
from statordb.engine.lmdb.entries import WAIT, Foreign, Job, Write
from statordb.engine.lmdb.environment import DATA_FILE, Opened, join_environment, open_environment
from statordb.engine.lmdb.gate import Gate
from statordb.engine.lmdb.headroom import Headroom
from statordb.engine.lmdb.keys import Digest, digest
from statordb.engine.lmdb.lane import APPLIED, CHANGED, HELD, LaneEngine, Send, verdict_of
from statordb.engine.lmdb.late import reread
from statordb.engine.lmdb.pace import LARGE_TURN_BYTES_MIN
from statordb.engine.lmdb.planner import Planner
from statordb.engine.lmdb.planning import QUICK_SECONDS, Update
from statordb.engine.lmdb.prepared import Prepared
from statordb.engine.lmdb.reader import closed
from statordb.engine.lmdb.rollback import PutBack, open_copy
from statordb.engine.lmdb.rows import Txn
from statordb.engine.lmdb.snapshot import Snapshot
from statordb.engine.lmdb.writer import Writer
from statordb.engine.rewriting import Rewrite
from statordb.model.pending import Pending


class LmdbEngine(Planner):
    """One process's engine on a store. Made after a fork, never carried over one; once per store and process."""

    def __init__(self, opened: Opened, digest: Digest, headroom: Headroom | None = None) -> None:
        super().__init__(opened.env, opened.epoch, digest)
        self._headroom = headroom
        self._writer = Writer(opened.env, opened.epoch, Gate(opened.writers, latch=opened.latch), headroom)
        self._loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        durable: bool = True,
        *,
        map_bytes: int | None = None,
        digest: Digest = digest,
        rewrite: Rewrite | None = None,
    ) -> LmdbEngine:
        """Open or create the store in directory `path`. Needs no running event loop.

        `durable` False: nothing waits for the disk, for a directory in memory. `map_bytes` is for tests. `digest`: of
        partitions, always the same for a store. `rewrite`: for a store of before rows were sealed. Raises
        StoreUnusable, FormatTooNew, and what `rewrite` does.
        """
        opened = open_environment(path, durable, map_bytes, digest, rewrite)
        return cls(opened, digest, Headroom(opened.env, path / DATA_FILE) if durable else None)

    @staticmethod
    def open_lane(path: Path, send: Send, durable: bool = True, *, digest: Digest = digest) -> LaneEngine:
        """Open a store that another process of this server has opened; that one applies the updates, by `apply`.

        Raises StoreUnusable, FormatTooNew.
        """
        env, epoch = join_environment(path, durable)
        return LaneEngine(env, epoch, digest, send)

    def _hand_in(self, update: Update) -> Pending[Any]:
        self._check_open()
        assert update.prepared is not None, "an update is worked out before it is handed in"
        update.bytes = update.prepared.bytes
        return self._submit(update)

    def _put_off(self, update: Update) -> Pending[Any] | None:
        before = self._latest.get(update.only_row)
        if before is None or before.seconds >= QUICK_SECONDS:
            return None
        self._check_open()
        update.put_off(before.bytes)
        return self._submit(update)

    def _submit(self, update: Update) -> Pending[Any]:
        answer: Pending[Any] = Pending(self._running_loop())
        self._writer.submit(Write(update, answer))
        row = update.only_row
        if row is not None:
            self._latest[row] = update
        return answer

    async def apply(self, prepared: bytes) -> bytes:
        """Apply an update that a lane's engine prepared; what became of it, for that one. Raises nothing."""
        try:
            self._check_open()
            entry = Foreign(Prepared.from_bytes(prepared), Pending(self._running_loop()))
            self._writer.submit(entry)
            outcome = await entry.answer
        except Exception as fault:
            return verdict_of(fault)
        if outcome is WAIT:
            return HELD
        if outcome is not None:
            return CHANGED + bytes(outcome)
        self.updates_total += 1
        return APPLIED

    async def create_space(self, use: Use = Use.ROWS, within: int | None = None) -> int:
        space: int = await self._do(partial(spaces.create, within=within))
        return space

    async def drop_space(self, space: int) -> None:
        await self._do(partial(spaces.drop, space=space))

    async def reclaim(self, rows_max: int) -> bool:
        if not self._any_dropped():  # the usual case takes no write lock
            return False
        more: bool = await self._do(partial(spaces.reclaim, rows_max=rows_max), LARGE_TURN_BYTES_MIN)
        return more

    @reread
    def _any_dropped(self) -> bool:
        with self._begin() as txn:
            return spaces.any_dropped(txn)

    async def trim(self, stream: int, shard: bytes, upto: int, rows_max: int) -> bool:
        work = partial(spaces.trim, stream=stream, shard=shard, upto=upto, rows_max=rows_max)
        more: bool = await self._do(work, LARGE_TURN_BYTES_MIN)
        return more

    async def _do(self, work: Callable[[Txn], Any], size: int = 0) -> Any:
        """`size`: bytes of an update that keeps others waiting for as long."""
        self._check_open()
        entry = Job(work, Pending(self._running_loop()), size)
        self._writer.submit(entry)
        return await entry.answer

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that runs now. Asking asyncio costs a system call, so the last one is asked first."""
        loop = self._loop
        if loop is None or not loop.is_running():
            loop = self._loop = asyncio.get_running_loop()
        return loop

    def snapshot(self) -> Snapshot:
        """The store as it is now, for whoever reads it for long; to be released."""
        self._check_open()
        return Snapshot(self._env, self.epoch(), self._digest)

    async def copy_to(self, path: Path) -> None:
        """Copy the store as it is now to an empty directory, from which `put_back` can take it."""
        self._check_open()
        await asyncio.to_thread(self._env.copy, str(path))

    async def put_back(self, path: Path, left: Collection[int] = ()) -> int:
        """Make all rows those of a copy again, but for those of the spaces `left`; how many differed."""
        self._check_open()
        copy = open_copy(path)
        try:
            entry = PutBack(copy, left, Pending(self._running_loop()))
            self._writer.submit(entry)
            differed: int = await entry.answer
            return differed
        finally:
            copy.close()

    def is_writing(self) -> bool:
        """Whether an update is under way in this process, for which its event loop and a thread take turns."""
        return self._writer.is_busy

    def metrics(self) -> dict[str, float]:
        totals = self._writer.totals
        return {
            **super().metrics(),
            "commits_total": totals.commits_total,
            "batch_size_total": totals.batch_size_total,
            "commit_seconds_total": totals.commit_seconds_total,
        }

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._writer.close()
        await asyncio.to_thread(self._writer.join)
        self._begin = self._begin_views = closed
        if self._headroom is not None:
            self._headroom.close()
        self._env.close()
