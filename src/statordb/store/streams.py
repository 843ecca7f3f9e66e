"""Streams: records of a table's changes, kept for 24 hours in the shards of the table's log."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from statordb.engine.contract import Bounds, Effects, Engine, Key, PageBudget, Refused, Stop, Stored
from statordb.store import contention, logs
from statordb.store.keyspace import Space, prefix_end
from statordb.store.log import LogRecord, ShardRecord
from statordb.store.logs import CACHED_MAX, Logs
from statordb.store.record import Kind, Members, Record
from statordb.store.records import stream_reader
from statordb.store.rows import PAGE, all_rows


@dataclass(frozen=True, slots=True)
class StreamRecord(Record):
    """A stream. `space` holds the log that it is read from; `first`: the id of its first shard there. `settles_at`:
    until then it is ENABLING, or DISABLING."""

    account: str
    region: str
    table: str
    table_id: str
    label: str
    space: int
    view: str
    key_schema: list[dict[str, str]]
    created_at: float
    settles_at: float
    disabled_at: float | None = None
    first: str = ""

    @property
    def arn(self) -> str:
        return f"arn:aws:dynamodb:{self.region}:{self.account}:table/{self.table}/stream/{self.label}"

    @property
    def reader(self) -> str:
        """Its name among the readers of the log."""
        return stream_reader(self.label)

    def status_at(self, now: float) -> str:
        """ENABLING, ENABLED, DISABLING or DISABLED."""
        word = "ENABL" if self.disabled_at is None else "DISABL"
        return word + ("ING" if now < self.settles_at else "ED")


@dataclass(frozen=True, slots=True)
class Stream(StreamRecord):
    """A stream as its consumers see it: with its shards."""

    shards: list[ShardRecord] = field(default_factory=list)

    def shard(self, shard_id: str) -> ShardRecord | None:
        return next((shard for shard in self.shards if shard.id == shard_id), None)

    def status_at(self, now: float) -> str:
        """As of the record, but DISABLING while records may still come to its closed shards."""
        status = StreamRecord.status_at(self, now)
        if self.disabled_at is not None and any(shard.ending is None for shard in self.shards):
            return "DISABLING"
        return status


_NAMES = tuple(each.name for each in fields(StreamRecord))


def with_shards(record: StreamRecord, log: LogRecord) -> Stream:
    """The stream with its shards of the log. What was there before it, for other readers, is no parent to it."""
    members: dict[str, Any] = {name: getattr(record, name) for name in _NAMES}
    shards = [
        replace(shard, parent=None) if shard.parent is not None and shard.parent < record.first else shard
        for shard in log.shards_of(record.reader)
    ]
    return Stream(**members, shards=shards)


class Streams:
    """Finds, lists and forgets streams. What is known of a record is compared with the store each time."""

    def __init__(self, engine: Engine, logs: Logs) -> None:
        self._engine = engine
        self._logs = logs
        self._parsed: dict[Key, tuple[int, StreamRecord]] = {}  # with the row's version

    async def find(self, account: str, region: str, table: str, label: str) -> Stream | None:
        """The stream of that ARN, settled as far as it can be; None if there is none (any more)."""
        key = key_of(account, region, table, label)
        known = self._parsed.get(key)
        if known is None:
            record = self._load(key, await self._engine.get(key))
            log = None if record is None else await self._logs.find(account, region, table, record.space)
        else:  # a stream stays in its log
            log_key = logs.key_of(account, region, table, known[1].space)
            stored, stored_log = await self._engine.read((key, log_key), snapshot=False)
            record, log = self._load(key, stored), await self._logs.parsed(log_key, stored_log)
        return None if record is None or log is None else with_shards(record, log)

    def _load(self, key: Key, stored: Stored | None) -> StreamRecord | None:
        if stored is None:
            self._parsed.pop(key, None)
            return None
        version, record = self._parsed.get(key, (None, None))
        if record is None or version != stored.version:
            record = load(stored.body)
            if len(self._parsed) >= CACHED_MAX:
                self._parsed.clear()
            self._parsed[key] = stored.version, record
        return record

    async def page(
        self, account: str, region: str, table: str | None, after: tuple[str, str] | None, limit: int
    ) -> tuple[list[StreamRecord], bool]:
        """Streams in the order of (table, label) behind `after`, at most `limit`, and whether there are more."""
        prefix = b"" if table is None else table.encode() + b"\0"
        bounds = Bounds(prefix, prefix_end(prefix) if prefix else None)
        last = None if after is None else "\0".join(after).encode()
        page = await self._engine.range(
            Space.STREAMS, _partition(account, region), bounds, True, PageBudget(limit + 1, PAGE.bytes_max), last
        )
        found = [load(body) for body in page.bodies]
        return found[:limit], len(found) > limit or page.stop is Stop.BYTES

    async def each(self) -> AsyncIterator[StreamRecord]:
        """Every stream of every account and region, for the keeper."""
        async for row in all_rows(self._engine, Space.STREAMS):
            yield load(row.body)

    async def all(self) -> Sequence[StreamRecord]:
        """The same, at once."""
        return [record async for record in self.each()]

    async def forget(self, stream: StreamRecord) -> None:
        key = key_of(stream.account, stream.region, stream.table, stream.label)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            return Effects(writes=((key, None),))

        await contention.update(self._engine, (key,), plan)


def key_of(account: str, region: str, table: str, label: str) -> Key:
    return Key(Space.STREAMS, _partition(account, region), f"{table}\0{label}".encode())


def _partition(account: str, region: str) -> bytes:
    return f"streams/{account}/{region}".encode()


def _without_shards(members: Members) -> Members:
    """A stream had its shards in its own record. `migration` makes the record of a log of them."""
    for name in ("shards", "rolling"):
        members.pop(name, None)
    return members


KIND = Kind(StreamRecord, (_without_shards,))
dump, load = KIND.dump, KIND.load
