"""What scaling did, the latest first, for six weeks."""

import os
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from statordb.engine.contract import Effects, Engine, Key, PageBudget, Place
from statordb.model.clock import Clock
from statordb.model.scaling_limits import ACTIVITIES_KEPT_SECONDS
from statordb.store import contention
from statordb.store.forgetting import forget_chunk
from statordb.store.keyspace import Space
from statordb.store.rows import rows
from statordb.store.scaling.records import ACTIVITY, ActivityRecord

_TIME_MAX = (1 << 64) - 1
_TIME_BYTES = 8
_COUNT_BYTES = 4
_COUNT_MAX = (1 << 32) - 1
MICRO = 1_000_000
_PAGE = PageBudget(rows_max=50, bytes_max=64 << 10)  # parsed in one go


class Activities:
    """Written once, and forgotten when their time is over."""

    def __init__(self, engine: Engine, clock: Clock, random: Callable[[int], bytes] = os.urandom) -> None:
        self._engine = engine
        self._clock = clock
        self._random = random
        self._told = 0

    async def put(self, account: str, region: str, activity: ActivityRecord) -> ActivityRecord:
        """Tell of an activity; it gets its id here."""
        told = replace(activity, id=str(uuid.UUID(bytes=self._random(16), version=4)))
        at = _TIME_MAX - int(told.started_at * MICRO)
        self._told = (self._told + 1) % _COUNT_MAX  # of one instant what this process told last comes first
        sort = at.to_bytes(_TIME_BYTES) + (_COUNT_MAX - self._told).to_bytes(_COUNT_BYTES) + told.id.encode()
        key = Key(Space.SCALING_ACTIVITIES, _partition(account, region), sort)
        await contention.update(self._engine, (key,), lambda stored: Effects(writes=((key, ACTIVITY.dump(told)),)))
        return told

    async def latest(
        self, account: str, region: str, after: bytes | None
    ) -> AsyncIterator[tuple[bytes, ActivityRecord]]:
        """Activities, and where each lies, the latest first, behind `after`."""
        partition = _partition(account, region)
        async for row in rows(self._engine, Space.SCALING_ACTIVITIES, partition, after=after, budget=_PAGE):
            yield row.sort, ACTIVITY.load(row.body)

    async def forget(self, after: Place | None) -> Place | None:
        """Forget what is old, of some activities behind a place. Returns where the next ones begin. The keeper's."""
        before = self._clock.now() - ACTIVITIES_KEPT_SECONDS

        def is_over(body: bytes) -> bool:
            return ACTIVITY.load(body).started_at < before

        return await forget_chunk(self._engine, Space.SCALING_ACTIVITIES, is_over, after)


def _partition(account: str, region: str) -> bytes:
    return f"activities/{account}/{region}".encode()
