"""Contributor Insights in the store: which keys were used most, by the minute, for a day.

Each process puts what it has seen of a minute again and again, under a name of its own, as it does with the ledger's
figures; readers add up what all of them have put. Keys are only in bodies, which rest sealed.
"""

import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from statordb.engine.contract import Bounds, Effects, Engine, Key, PageBudget, Stored
from statordb.metering.key_use import KeyUse, Kind, Part, Use
from statordb.metering.minutes import Minutes
from statordb.metering.series import Subject
from statordb.metering.sketch import Sketch
from statordb.metering.tap import Tap
from statordb.model.clock import Clock
from statordb.store import contention
from statordb.store.forgetting import forget
from statordb.store.keyspace import Space
from statordb.store.record import Kind as RecordKind
from statordb.store.record import Record
from statordb.store.records import InsightRecord, TableRecord
from statordb.store.rows import rows

KEPT_SECONDS = 24 * 3600  # that is told of keys
TABLES_MAX = 1000  # of one process that keys are looked at of
_LISTED = b"tables"  # partition that lists the partitions
_TIME_BYTES = 8
_PAGE = PageBudget(rows_max=20, bytes_max=256 * 1024)
_FORGOTTEN_AT_ONCE = PageBudget(rows_max=100, bytes_max=1 << 20)


@dataclass(frozen=True, slots=True)
class UseRecord(Record):
    """What one process saw in the minute that begins at `start`. `keys`: of each kind [index, keys, use, total,
    [[values, count, error], ...]]."""

    start: int
    keys: list[list[Any]]


USE = RecordKind(UseRecord)


class Seen(NamedTuple):
    """What was seen of a kind of keys in a minute."""

    start: int
    total: int
    keys: list[tuple[tuple[str, ...], int]]


class Insights:
    """The insights of a store, and what this process sees. `process`: its name, which no other one ever had."""

    def __init__(self, engine: Engine, clock: Clock, minutes: Minutes, process: str) -> None:
        self._engine = engine
        self._clock = clock
        self._minutes = minutes
        self._process = process.encode()
        self._uses: WeakKeyDictionary[Tap, KeyUse] = WeakKeyDictionary()
        self._listed: set[Subject] = set()

    def watch(self, tap: Tap, record: TableRecord) -> None:
        """Have the keys of a table looked at as its record says."""
        parts = _parts(record)
        if not parts:
            tap.key_use = None
            return
        use = self._uses.get(tap)
        if use is None:
            if len(self._uses) >= TABLES_MAX:
                return
            use = self._uses[tap] = KeyUse(parts, self._minutes, self._clock.now, lambda most: random.randint(1, most))
        use.parts = parts  # what was seen in this minute stays
        tap.key_use = use

    async def flush(self) -> None:
        """Write what this process has seen."""
        for tap, use in tuple(self._uses.items()):
            for minute, seen in use.minutes():
                await self._put(tap.subject, minute, seen)

    async def read(self, subject: Subject, kind: Kind, since: int, until: int) -> AsyncIterator[Seen]:
        """What all processes saw of a kind of keys in [since, until), a row at a time in the order of time."""
        bounds = Bounds(_time(since), _time(until))
        async for row in rows(self._engine, Space.INSIGHTS, _partition(subject), bounds, budget=_PAGE):
            record = USE.load(row.body)
            for index, keys, use, total, told in record.keys:
                if Kind(index, keys, use) == kind:
                    yield Seen(record.start, total, [(tuple(values), count) for values, count, _ in told])

    async def forget(self) -> None:
        """Delete what is older than a day, some of it. The keeper's."""
        oldest = int(self._clock.now()) - KEPT_SECONDS
        async for listed in rows(self._engine, Space.INSIGHTS, _LISTED):
            page = await self._engine.range(
                Space.INSIGHTS, listed.sort, Bounds(b"", _time(oldest)), True, _FORGOTTEN_AT_ONCE
            )
            keys = [Key(Space.INSIGHTS, listed.sort, row.sort) for row in page.rows]
            await forget(self._engine, keys, lambda body: True)

    async def _put(self, subject: Subject, minute: int, use: Use) -> None:
        if subject not in self._listed:
            key = Key(Space.INSIGHTS, _LISTED, _partition(subject))
            await contention.update(self._engine, (key,), lambda stored: Effects(writes=((key, b"{}"),)))
            if len(self._listed) >= TABLES_MAX:
                self._listed.clear()
            self._listed.add(subject)
        row = Key(Space.INSIGHTS, _partition(subject), _time(minute) + self._process)
        body = USE.dump(UseRecord(minute, [[*kind, sketch.total, _told(sketch)] for kind, sketch in use.items()]))
        await contention.update(self._engine, (row,), _putting(row, body))


def _putting(row: Key, body: bytes) -> Callable[[list[Stored | None]], Effects]:
    return lambda stored: Effects(writes=((row, body),))


def _told(sketch: Sketch) -> list[list[Any]]:
    return [[list(key), counted.times, counted.error] for key, counted in sketch.told()]


def _parts(record: TableRecord) -> dict[str, Part]:
    """What of a table is looked at, by the names of indexes, "" for itself."""
    found = {}
    for insight in record.insights:
        schema = key_schema(record, insight.index)
        if insight.counts and schema:
            found[insight.index] = Part(tuple(each["AttributeName"] for each in schema), insight.has_accessed)
    return found


def key_schema(record: TableRecord, index: str) -> list[dict[str, str]]:
    """Of a table, or of an index that it has; [] of one that is gone."""
    if not index:
        return record.key_schema
    found = record.index(index)
    return [] if found is None else found.key_schema


def rules_of(record: TableRecord, insight: InsightRecord) -> dict[str, Kind]:
    """The rules of a table or an index that has insights, by their names."""
    if not insight.counts:
        return {}
    keys = ("PK", "SK") if len(key_schema(record, insight.index)) > 1 else ("PK",)
    uses = ("C", "T") if insight.has_accessed else ("T",)
    whose = record.name if not insight.index else f"{record.name}-{insight.index}"
    return {
        f"{RULE_PREFIX}{key}{use}-{whose[:RULE_NAME_CHARACTERS_MAX]}-{insight.stamp}": Kind(insight.index, key, use)
        for use in uses
        for key in keys
    }


RULE_PREFIX = "DynamoDBContributorInsights-"
RULE_NAME_CHARACTERS_MAX = 80  # of a table and its index, in the name of a rule, which has at most 128


def _partition(subject: Subject) -> bytes:
    return "/".join(subject).encode()


def _time(at: int) -> bytes:
    return max(at, 0).to_bytes(_TIME_BYTES, "big")
