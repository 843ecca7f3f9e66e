"""The half of the engine that reads and plans; its heirs say who applies what was planned."""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import lmdb

from statordb.engine.contract import Guard, Key, Overloaded, Plan, Refused, Traits, as_it_is
from statordb.engine.lmdb import spaces
from statordb.engine.lmdb.entries import AGAIN, WAIT
from statordb.engine.lmdb.epoch import Epoch
from statordb.engine.lmdb.keys import PARTITION_BYTES_MAX, SORT_BYTES_MAX, Digest, segment_of
from statordb.engine.lmdb.late import reread_async
from statordb.engine.lmdb.planning import Answer, Guarded, Update
from statordb.engine.lmdb.reader import Reader, closed

WAIT_SECONDS = 0.005  # between two tries of an update whose rows another one holds
WAITS_MAX = 2000

TRAITS = Traits(
    name="lmdb",
    sort_bytes_max=SORT_BYTES_MAX,
    partition_bytes_max=PARTITION_BYTES_MAX,
    global_indexes_strong=True,
    guards=True,
    epoch=True,
    remote=False,
    change_step=0,
)


class Planner(Reader):
    """Reads, and works updates out."""

    traits = TRAITS
    disguise = staticmethod(as_it_is)

    def __init__(self, env: lmdb.Environment, epoch: Epoch, digest: Digest) -> None:
        super().__init__(env, digest)
        self._env = env
        self._epoch = epoch
        self._guarded = Guarded(digest)
        self._latest: dict[bytes | None, Update] = {}  # the last one handed in of each row, while it waits
        self._closed = False
        self.updates_total = 0
        self.refused_total = 0

    def epoch(self) -> int:
        return self._epoch.value[0]

    def announced(self, since: int) -> tuple[Sequence[str] | None, int]:
        return self._epoch.since(since)

    @reread_async
    async def spaces(self) -> list[int]:
        with self._begin() as txn:
            return spaces.living(txn)

    def segment_of(self, partition: bytes, total: int) -> int:
        return segment_of(self._digest(partition), total)

    async def update(
        self, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard] = (), head: int | None = None
    ) -> Answer:
        """As the contract says. A plan runs on what a read transaction saw; the write lock is only taken for what it
        came to, and the plan runs again where that is out of date. Behind an update of the same row that was quick and
        waits, it runs where it is applied, once."""
        update = Update(footprint, plan, guards, self._guarded, self._digest, head)
        begin = self._begin if head is None else self._begin_views
        pending = self._put_off(update)
        try:
            while True:
                if pending is None:
                    stale = update.read(begin)
                    if stale is not None:
                        return stale
                    answer: Any = update.work_out()
                    if answer is None:
                        answer = await self._hand_in(update)
                else:
                    answer, pending = await pending, None
                if answer is AGAIN:
                    update.tries += 1
                elif answer is WAIT:
                    update.waits += 1
                    if update.waits > WAITS_MAX:
                        raise Overloaded("others hold the rows")
                    await asyncio.sleep(WAIT_SECONDS)
                else:
                    break
        finally:
            if self._latest.get(update.only_row) is update:
                del self._latest[update.only_row]
        self.updates_total += 1
        if answer.__class__ is Refused:
            self.refused_total += 1
        return answer  # type: ignore[no-any-return]  # an Answer once it is not AGAIN

    def _put_off(self, update: Update) -> Awaitable[Any] | None:
        """Have an update read and worked out where it is applied, if that is likely to be quick and anything read now
        would be out of date by then: an Answer, AGAIN or WAIT; None if that is not so."""
        return None

    def _hand_in(self, update: Update) -> Awaitable[Any]:
        """Have what a plan came to applied: an Answer, or AGAIN if it is out of date."""
        raise NotImplementedError

    def trouble(self) -> str | None:
        return None

    def metrics(self) -> dict[str, float]:
        """Totals of this process since it opened the store; sizes are of the whole store, in bytes.

        `store_bytes` are in pages of rows, `free_bytes` in pages of the file that hold none, to be used again.
        """
        self._check_open()
        pages = self._env.stat()
        used = (pages["branch_pages"] + pages["leaf_pages"] + pages["overflow_pages"]) * pages["psize"]
        in_file = (self._env.info()["last_pgno"] + 1) * pages["psize"]
        return {
            "updates_total": self.updates_total,
            "refused_total": self.refused_total,
            "store_bytes": used,
            "file_bytes": in_file,
            "free_bytes": in_file - used,
        }

    def _check_open(self) -> None:
        if self._closed:
            closed()
