"""Holds: up to where a reader has read the shards of a log, and has no need of them any more.

Readers that go by the age of records, as streams do, have none.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, replace

from statordb.engine.contract import Effects, Engine, Key, Stored
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.record import Kind, Record
from statordb.store.rows import all_rows, rows


@dataclass(frozen=True, slots=True)
class Hold(Record):
    """`position`: every change with a sequence number up to this is done. `ended`: and none will follow."""

    position: int
    ended: bool = False


class Holds:
    """Keeps holds of all readers of a log beside each other, by the log's space."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def of(self, space: int) -> dict[str, dict[str, Hold]]:
        """The holds of a log: reader -> shard -> hold."""
        found: dict[str, dict[str, Hold]] = defaultdict(dict)
        async for row in rows(self._engine, Space.HOLDS, _partition(space)):
            reader, _, shard = row.sort.decode().partition("\0")
            found[reader][shard] = load(row.body)
        return found

    async def logs(self) -> AsyncIterator[int]:
        """The spaces of all logs of which there are holds, one for each hold."""
        async for row in all_rows(self._engine, Space.HOLDS):
            yield int.from_bytes(row.partition, "big")

    async def keep(self, space: int, reader: str, shard: str, hold: Hold) -> None:
        """Durable when this returns. A hold never goes back, whoever comes late with an older one."""
        key = _key(space, reader, shard)

        def plan(stored: list[Stored | None]) -> Effects:
            kept = Hold(0) if stored[0] is None else load(stored[0].body)
            latest = replace(kept, position=max(kept.position, hold.position), ended=kept.ended or hold.ended)
            return Effects(writes=((key, dump(latest)),))

        await contention.update(self._engine, (key,), plan)

    async def forget(self, space: int, which: Collection[tuple[str, str]]) -> None:
        """Those of some readers and shards."""
        keys = [_key(space, reader, shard) for reader, shard in which]
        if keys:
            effects = Effects(writes=[(key, None) for key in keys])
            await contention.update(self._engine, keys, lambda stored: effects)


def _partition(space: int) -> bytes:
    return space.to_bytes(8, "big")


def _key(space: int, reader: str, shard: str) -> Key:
    return Key(Space.HOLDS, _partition(space), f"{reader}\0{shard}".encode())


KIND = Kind(Hold)
dump, load = KIND.dump, KIND.load
