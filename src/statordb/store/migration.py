"""What a new release makes of rows of before, where that is not of one row alone.

Streams and Kinesis destinations once had logs of their own: a stream its shards in its own record, a destination one
shard, its feed. Each table gets one log of them, where what they have read from is a shard that was closed. Every table
is brought over in one update, so whoever comes next can do it again.
"""

from dataclasses import replace
from typing import Any

import orjson

from statordb.engine.contract import Effects, Engine, Key, Refused, Row, Stored
from statordb.store import contention, log, logs, news, records, streams
from statordb.store.catalog import ROOT
from statordb.store.destinations import BEFORE, VIEW
from statordb.store.keyspace import Space
from statordb.store.ledger import capacity
from statordb.store.log import HASH_MAX, LogRecord, ShardRecord
from statordb.store.records import DestinationRecord, TableRecord
from statordb.store.rows import all_rows

LOGS_FORMAT = 2  # of records of tables and streams: the one that has logs
_FED = frozenset({"ENABLING", "ACTIVE", "UPDATING"})


async def give_logs(engine: Engine, now: float) -> None:
    """Give every table that has readers the one log that they read, with all that they had before. `now`: seconds since
    the epoch, when shards are closed and others opened for that, whose day begins then."""
    for row in [row async for row in all_rows(engine, Space.STREAMS)]:
        if _is_of_before(row.body):
            await _bring_stream(engine, row)
    for row in [row async for row in all_rows(engine, Space.CATALOG)]:
        if row.partition != ROOT and _is_of_before(row.body):
            await _bring_table(engine, row, now)


async def give_capacity(engine: Engine, now: float) -> None:
    """Note what capacity tables have that were there before the ledger was. `now`: seconds since the epoch."""
    async for row in all_rows(engine, Space.CATALOG):
        if row.partition != ROOT:
            await capacity.note(engine, records.load(row.body), now)


def _is_of_before(body: bytes) -> bool:
    return int(_members(body).get("format", 1)) < LOGS_FORMAT


def _members(body: bytes) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(body.removeprefix(b"\x01"))
    return found


async def _bring_stream(engine: Engine, row: Row) -> None:
    """A stream's shards go into the record of a log, and the table's record says that this is its log."""
    key = Key(Space.STREAMS, row.partition, row.sort)
    stream = streams.load(row.body)
    scope = (stream.account, stream.region, stream.table)
    log_key = logs.key_of(*scope, stream.space)

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        found = stored[0]
        if found is None or not _is_of_before(found.body):
            return Refused(None)
        stream, members = streams.load(found.body), _members(found.body)
        shards = [ShardRecord(**{**shard, "readers": [stream.reader]}) for shard in members["shards"]]
        first = min((shard.id for shard in shards), default="")
        views = {} if stream.disabled_at is not None else {stream.reader: stream.view}
        made = LogRecord(*scope, stream.space, views, shards, members.get("rolling", False))
        return Effects(writes=((key, streams.dump(replace(stream, first=first))), (log_key, log.dump(made))))

    await contention.update(engine, (key, log_key), plan)


async def _bring_table(engine: Engine, row: Row, now: float) -> None:
    """The table goes on with one log. A destination that was fed reads its feed first, then what follows in the log."""
    key = Key(Space.CATALOG, row.partition, row.sort)
    before = records.load(row.body)
    reading = next((each for each in before.destinations if each.reader is not None), None)
    space = _space(before, reading)
    if space is None:
        return
    name = (before.account, before.region, before.name)
    log_key = logs.key_of(*name, space)

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        found, known = stored
        if found is None or not _is_of_before(found.body):
            return Refused(None)
        table = records.load(found.body)
        made = LogRecord(*name, space) if known is None else log.load(known.body)
        if reading is not None:
            table, made = _with_feed(table, reading, made, now)
        writes = ((key, records.dump(replace(table, log=made.head()))), (log_key, log.dump(made)))
        return Effects(writes=writes, announce=(f"{news.TABLE}{'/'.join(name)}",))

    await contention.update(engine, (key, log_key), plan)


def _space(table: TableRecord, reading: DestinationRecord | None) -> int | None:
    """Where the log of a table is to lie: where its stream does, else its feed; None if nobody reads."""
    if table.log is not None:
        return table.log.space
    return None if reading is None else reading.log


def _with_feed(
    table: TableRecord, reading: DestinationRecord, made: LogRecord, now: float
) -> tuple[TableRecord, LogRecord]:
    """The records with the feed of a destination as a shard that was closed."""
    assert reading.log is not None
    assert reading.reader is not None
    fed = reading.status in _FED and table.status != "DELETING"
    own = None if reading.log == made.space else reading.log
    begun, over = reading.changed_at, now if fed else reading.changed_at
    feed = ShardRecord(BEFORE, None, 0, HASH_MAX, begun, 0, closed_at=over, readers=[reading.reader], space=own)
    made = replace(made, shards=[feed, *made.shards])
    if fed:
        opened = sum(shard.closed_at is None for shard in made.shards)
        made = log.rolled(made, {**made.views, reading.reader: VIEW}, now, max(1, opened))
    moved = replace(reading, log=made.space)
    return replace(
        table, destinations=[moved if each.stream_arn == reading.stream_arn else each for each in table.destinations]
    ), made
