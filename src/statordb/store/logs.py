"""Change logs: finding their records, reading their shards, and where these end."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Protocol

from statordb.engine.contract import Bounds, Change, Effects, Engine, Key, PageBudget, Refused, Stored
from statordb.store import changes, contention, log
from statordb.store.keyspace import Space, prefix_end
from statordb.store.log import LogRecord, ShardRecord
from statordb.store.rows import PAGE, all_rows, rows

RETENTION_SECONDS = 24 * 3600.0  # developer guide, "Change data capture for DynamoDB Streams"
DISORDER_SECONDS = 2.0  # a record with a later place in the log may be older than its neighbour by so much at most
CACHED_MAX = 256  # parsed records


class Located(Protocol):
    """A log, or a stream that is read from it."""

    @property
    def space(self) -> int: ...


class Logs:
    """Finds, reads and alters logs. What is known of a record is compared with the store each time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._parsed: dict[Key, tuple[int, LogRecord]] = {}  # with the row's version

    async def find(self, account: str, region: str, table: str, space: int) -> LogRecord | None:
        """The log that lies in a space, settled as far as it can be; None if there is none (any more)."""
        key = key_of(account, region, table, space)
        return await self.parsed(key, await self._engine.get(key))

    async def parsed(self, key: Key, stored: Stored | None) -> LogRecord | None:
        """What a row says, settled as far as it can be."""
        if stored is None:
            return None
        version, record = self._parsed.get(key, (None, None))
        if record is None or version != stored.version:
            record = log.load(stored.body)
            if len(self._parsed) >= CACHED_MAX:
                self._parsed.clear()
            self._parsed[key] = stored.version, record
        return await self.settle(record) if self._engine.traits.guards else record

    async def of(self, account: str, region: str, table: str) -> Sequence[LogRecord]:
        """Every log of the tables of that name, as it is stored, for the keeper."""
        prefix = _sort(table, "")
        bounds = Bounds(prefix, prefix_end(prefix))
        found = rows(self._engine, Space.LOGS, _partition(account, region), bounds)
        return [log.load(row.body) async for row in found]

    async def each(self) -> AsyncIterator[LogRecord]:
        """Every log of every account and region, as it is stored, for the keeper."""
        async for row in all_rows(self._engine, Space.LOGS):
            yield log.load(row.body)

    async def all(self) -> Sequence[LogRecord]:
        """The same, at once."""
        return [record async for record in self.each()]

    async def read(self, of: Located, shard: str, after: int, budget: PageBudget) -> list[Change]:
        """Changes of a shard with sequence numbers above `after`, in order: all that can ever come before the last."""
        return await self._engine.log(of.space, shard.encode(), after, budget)

    async def end(self, of: Located, shard: ShardRecord) -> int:
        """Where a shard ends now: what is written later has a higher sequence number."""
        end = await self._engine.log_end(shard.space or of.space, shard.id.encode())
        return max(shard.start or 0, shard.trimmed, end)

    async def before(self, of: Located, shard: ShardRecord, moment: float) -> int:
        """A sequence number: the record behind it was made at a moment (seconds) or later, the one at it before.

        Times only nearly grow along a log: each is taken when a write begins, and its place when it commits.
        """
        low, high = shard.trimmed, await self.end(of, shard)
        while low < high:
            middle = (low + high) // 2
            found = await self.read(of, shard.id, middle, PageBudget(1, 1))
            if not found or changes.happened_at(found[0].body) >= moment:
                high = middle
            else:
                low = found[0].sequence
        return low

    async def at(self, of: Located, shard: ShardRecord, moment: float) -> int:
        """The sequence number just below that of the first record which was made at a moment (seconds) or later."""
        after = await self.before(of, shard, moment - DISORDER_SECONDS)
        while page := await self.read(of, shard.id, after, PAGE):
            for sequence, body in page:
                if changes.happened_at(body) >= moment:
                    return after
                after = sequence
        return max(after, await self.end(of, shard))

    async def settle(self, record: LogRecord) -> LogRecord:
        """The record with the ends of closed shards, and the starts of their children, filled in.

        Where updates don't check guards, a write may still append to a shard after it was closed: then only the keeper
        settles it, behind a `Barrier`.
        """
        if record.settled:
            return record
        settled: dict[str, ShardRecord] = {}
        follows = self._engine.traits.guards  # else numbers grow along a log, and for an item, but not beyond
        for shard in record.shards:  # parents come before their children
            start = shard.start
            if start is None:
                parent = settled.get(shard.parent or "")
                start = 0 if not follows or parent is None or parent.ending is None else parent.ending + 1
            known = replace(shard, start=start)
            if shard.closed_at is not None and shard.ending is None:
                known = replace(known, ending=await self.end(record, known))
            settled[shard.id] = known
        return replace(record, shards=list(settled.values()))

    async def change(self, record: LogRecord, change: Callable[[LogRecord], LogRecord | None]) -> None:
        """Alter, or forget, a log's record where its table's needs no change; nothing if it is gone."""
        key = key_of(record.account, record.region, record.table, record.space)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            row = stored[0]
            if row is None:
                return Refused(None)
            changed = change(log.load(row.body))
            return Effects(writes=((key, None if changed is None else log.dump(changed)),))

        await contention.update(self._engine, (key,), plan)


def key_of(account: str, region: str, table: str, space: int) -> Key:
    """Where the record of a log lies."""
    return Key(Space.LOGS, _partition(account, region), _sort(table, str(space)))


def _partition(account: str, region: str) -> bytes:
    return f"logs/{account}/{region}".encode()


def _sort(table: str, space: str) -> bytes:
    return f"{table}\0{space}".encode()
