"""The embedded engine: `contract.Engine` on one LMDB environment that several processes may share."""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import lmdb

from statordb.engine.contract import Effects, EngineClosed, Guard, Key, Plan, Refused, Stale, Traits, Use
from statordb.engine.lmdb import spaces
from statordb.engine.lmdb.entries import AGAIN, Job, Write
from statordb.engine.lmdb.environment import DATA_FILE, open_environment
from statordb.engine.lmdb.epoch import Epoch
from statordb.engine.lmdb.headroom import Headroom
from statordb.engine.lmdb.keys import PARTITION_BYTES_MAX, SORT_BYTES_MAX, Digest, digest, segment_of
from statordb.engine.lmdb.planning import Answer, Guarded, Update
from statordb.engine.lmdb.reader import Reader, closed
from statordb.engine.lmdb.writer import Writer
from statordb.model.pending import Pending

TRAITS = Traits(
    name="lmdb",
    sort_bytes_max=SORT_BYTES_MAX,
    partition_bytes_max=PARTITION_BYTES_MAX,
    global_indexes_strong=True,
    guards=True,
    epoch=True,
    remote=False,
)


class LmdbEngine(Reader):
    """One process's engine on a store. Made after a fork, never carried over one; once per store and process."""

    traits = TRAITS

    def __init__(self, env: lmdb.Environment, epoch: Epoch, digest: Digest, headroom: Headroom | None = None) -> None:
        super().__init__(env, digest)
        self._env = env
        self._epoch = epoch
        self._headroom = headroom
        self._writer = Writer(env, epoch, headroom)
        self._closed = False
        self._guarded = Guarded(digest)
        self.updates_total = 0
        self.refused_total = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def open(
        cls, path: Path, durable: bool = True, *, map_bytes: int | None = None, digest: Digest = digest
    ) -> LmdbEngine:
        """Open or create the store in directory `path`. Needs no running event loop.

        `durable` False: nothing waits for the disk, for a directory in memory. `map_bytes` and `digest` are for tests.
        Raises StoreUnusable, FormatTooNew.
        """
        env, epoch = open_environment(path, durable, map_bytes)
        return cls(env, epoch, digest, Headroom(env, path / DATA_FILE) if durable else None)

    def epoch(self) -> int:
        return self._epoch.value[0]

    def segment_of(self, partition: bytes, total: int) -> int:
        return segment_of(self._digest(partition), total)

    async def update(
        self, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard] = ()
    ) -> Effects | Refused | Stale:
        """As the contract says. A plan runs on what a read transaction saw; the write lock is only taken for what it
        came to, and the plan runs again where that is out of date."""
        update = Update(footprint, plan, guards, self._guarded, self._digest)
        while True:
            stale = update.read(self._begin)
            if stale is not None:
                return stale
            answer: Answer | None = update.work_out()
            if answer is None:
                if self._closed:
                    raise EngineClosed("the engine is closed")
                entry = Write(update, Pending(self._running_loop()))
                self._writer.submit(entry)
                answer = await entry.answer
                if answer is AGAIN:
                    update.tries += 1
                    continue
            self.updates_total += 1
            if answer.__class__ is Refused:
                self.refused_total += 1
            return answer

    async def create_space(self, use: Use = Use.ROWS, within: int | None = None) -> int:
        space: int = await self._do(partial(spaces.create, within=within))
        return space

    async def spaces(self) -> list[int]:
        with self._begin() as txn:
            return spaces.living(txn)

    async def drop_space(self, space: int) -> None:
        await self._do(partial(spaces.drop, space=space))

    async def reclaim(self, rows_max: int) -> bool:
        with self._begin() as txn:
            if not spaces.any_dropped(txn):  # the usual case takes no write lock
                return False
        more: bool = await self._do(partial(spaces.reclaim, rows_max=rows_max))
        return more

    async def trim(self, stream: int, shard: bytes, upto: int, rows_max: int) -> bool:
        more: bool = await self._do(partial(spaces.trim, stream=stream, shard=shard, upto=upto, rows_max=rows_max))
        return more

    async def _do(self, work: Callable[[lmdb.Transaction[bytes]], Any]) -> Any:
        if self._closed:
            raise EngineClosed("the engine is closed")
        entry = Job(work, Pending(self._running_loop()))
        self._writer.submit(entry)
        return await entry.answer

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that runs now. Asking asyncio costs a system call, so the last one is asked first."""
        loop = self._loop
        if loop is None or not loop.is_running():
            loop = self._loop = asyncio.get_running_loop()
        return loop

    def metrics(self) -> dict[str, float]:
        """Totals of this process since it opened the store; sizes are of the whole store, in bytes.

        `store_bytes` are in pages of rows, `free_bytes` in pages of the file that hold none, to be used again.
        """
        if self._closed:
            raise EngineClosed("the engine is closed")
        writer = self._writer
        pages = self._env.stat()
        used = (pages["branch_pages"] + pages["leaf_pages"] + pages["overflow_pages"]) * pages["psize"]
        in_file = (self._env.info()["last_pgno"] + 1) * pages["psize"]
        return {
            "updates_total": self.updates_total,
            "refused_total": self.refused_total,
            "commits_total": writer.commits_total,
            "batch_size_total": writer.batch_size_total,
            "commit_seconds_total": writer.commit_seconds_total,
            "store_bytes": used,
            "file_bytes": in_file,
            "free_bytes": in_file - used,
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
