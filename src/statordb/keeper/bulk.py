"""Bulk operations: items from objects are put into tables that are in use, as PutItem would: on their conditions, with
indexes and streams, within the units that tables have.

How far an operation is, is noted once what it reports is written. Who comes after a keeper that died goes on there, and
may meet items that were put already: one that stands just as it is to be put is not reported, whatever its condition.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from functools import partial

import orjson

from statordb.commands.admitting import admitted_write
from statordb.commands.applying import replacer
from statordb.commands.capacity import count_unmet, count_write, written_units
from statordb.exchange.json_lines import CONDITION, CONDITION_MEMBERS
from statordb.expressions.bound import Condition
from statordb.expressions.faults import Fault
from statordb.expressions.given import placeholders
from statordb.keeper.bulk_reports import Reports
from statordb.keeper.intake.frames import Item, Order
from statordb.keeper.intake.reading import Get, Piece, Reading
from statordb.keeper.rounds import in_rounds
from statordb.keeper.sources import Failed, Sources, failed
from statordb.keeper.supervised import supervised
from statordb.keeper.tidying import Tidying
from statordb.keeper.works import Works
from statordb.model import errors
from statordb.model.attribute_shapes import attributes
from statordb.model.budget import LaneBudget
from statordb.model.errors import ClientError, Throttled
from statordb.objects.faults import ObjectsFault
from statordb.store import codec, records
from statordb.store.image import Image
from statordb.store.jobs.records import CANCELLED, CANCELLING, COMPLETED, COMPLETED_WITH_ERRORS, FAILED, BulkRecord
from statordb.store.store import Store
from statordb.store.table import Table, Written
from statordb.store.terms import Key, Refused

RUN_SECONDS = 0.1
AT_ONCE = 2  # each has a process
PUT_AT_ONCE = 16
PUT_AT_ONCE_REMOTE = 48
NOTED_ITEMS_MAX = 10_000  # that are put before it is noted how far an operation is
PIECE_ITEMS_MAX = 4_000  # of the shortest lines, in what is read in one piece: they may be put beyond that
NOTED_SECONDS = 5.0
THROTTLED_SECONDS = 0.05  # before an item is tried again that the table has no units for
UNIT_BYTES = 1024
NO_CONDITION = "The condition is none: a text, with names and values as a request has them"
TABLE = ""  # in a record's usage: the table itself, beside the names of indexes


class BulkPuts:
    """A little of each operation in a run."""

    name = "bulk"
    every_seconds = 0.1

    def __init__(self, store: Store, sources: Sources, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._sources = sources
        self._monotonic = monotonic
        self._works = Works(monotonic, RUN_SECONDS, AT_ONCE)
        self._tidying = Tidying(store.bulk_operations)

    async def run_once(self) -> bool:
        await self._tidying.run(self._store.clock.now())
        under_way = await self._store.bulk_operations.under_way()
        return await self._works.run({record.arn: partial(self._work, record) for record in under_way})

    async def rest(self) -> None:
        await self._works.rest()

    def _work(self, record: BulkRecord) -> AsyncIterator[None]:
        return supervised(self._put(record))

    async def _put(self, record: BulkRecord) -> None:
        jobs = self._store.bulk_operations
        begun = await jobs.begin(record)
        if begun is None:
            return
        try:
            if begun.failure is not None:
                raise Failed(*begun.failure)
            await self._fill(begun)
        except Failed as fault:
            ended_at = round(self._store.clock.now(), 3)
            await jobs.advance(begun, status=FAILED, ended_at=ended_at, failure=[fault.code, fault.text])

    async def _fill(self, record: BulkRecord) -> None:
        """Raises Failed, and what may pass."""
        asked = record.asked
        source, out = asked["InputS3Configuration"], asked["OutputS3Configuration"]
        bucket = self._sources.bucket(source)
        found = await self._sources.listed(source)
        reports = Reports(self._sources.bucket(out), record)
        try:
            await reports.begin()
            total = sum(each.size for each in found)
            current = await self._store.bulk_operations.advance(record, total=total)
            if current is None:
                return
            work = BulkPut(self._store, current, reports, self._monotonic)
            left = [each.name for each in found if not record.at or each.name >= record.at[0]]
            if current.status != CANCELLING and not await work.run(left, bucket.get):
                return
            now = await work.note()
            if now is None:
                return
            status = COMPLETED_WITH_ERRORS if now.failed else COMPLETED
            if now.status == CANCELLING:
                status = CANCELLED
            ended_at = round(self._store.clock.now(), 3)
            await reports.end(now, status, ended_at)
        except ObjectsFault as fault:
            raise failed(fault) from None
        await self._store.bulk_operations.advance(now, status=status, ended_at=ended_at)


class BulkPut:
    """One operation, from where it was on."""

    def __init__(self, store: Store, record: BulkRecord, reports: Reports, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._record = record
        self._reports = reports
        self._monotonic = monotonic
        self._at = record.at
        self._processed, self._failed, self._taken = record.processed, record.failed, record.taken
        self._usage = dict(record.usage)
        self._since_note = 0
        self._note_at = monotonic() + NOTED_SECONDS
        self._lenient = NOTED_ITEMS_MAX + PIECE_ITEMS_MAX if record.run > 1 else 0
        self._skipped = record.at[1] if record.at else 0  # items of the first object that are done
        self._taken -= record.at[2] if record.at else 0
        most = record.asked.get("MaxWriteRequestUnits")
        self._pace = None if most is None else Pace(float(most), monotonic)
        self._most = PUT_AT_ONCE_REMOTE if store.engine.traits.remote else PUT_AT_ONCE

    async def run(self, names: Sequence[str], get: Get) -> bool:
        """False where somebody else goes on with it. Raises Failed, ObjectsFault, and what may pass."""
        table = await self._table()
        asked = self._record.asked["InputS3Configuration"]
        compression = asked.get("InputCompressionType") or "NONE"
        order = Order(records.dump(table.record), asked["InputFormat"], compression, ",", None, True)
        done = taken = 0
        async with Reading(order) as reading, aclosing(reading.pieces(names, get)) as pieces:
            async for piece in pieces:
                if self._at is not None and self._at[0] != piece.name:
                    done = taken = self._skipped = 0
                await self._take(piece)
                done, taken = done + piece.found.items, taken + piece.found.taken
                self._at = [piece.name, max(done, self._skipped), taken]
                is_due = self._since_note >= NOTED_ITEMS_MAX or self._monotonic() >= self._note_at
                if is_due or self._reports.is_large:
                    now = await self.note()
                    if now is None:
                        return False
                    if now.status == CANCELLING:
                        return True
        return True

    async def note(self) -> BulkRecord | None:
        """Write what is to be reported, and note how far it is. None: somebody else goes on."""
        parts = await self._reports.flush()
        self._since_note, self._note_at = 0, self._monotonic() + NOTED_SECONDS
        now = await self._store.bulk_operations.advance(
            self._record,
            at=self._at,
            processed=self._processed,
            failed=self._failed,
            taken=self._taken,
            usage=self._usage,
            parts=parts,
        )
        return now

    async def _take(self, piece: Piece) -> None:
        """Put what was found."""
        found = piece.found
        self._taken += found.taken
        for index, line, message, text in found.faults:
            if index >= self._skipped:
                self._wrong(piece.name, index, message, text, line)
        if piece.lost is not None and found.over and not found.stopped:
            self._wrong(piece.name, None, piece.lost, b"")
        waiting: list[Item] = []
        keys: set[tuple[bytes, bytes]] = set()
        for item in found.rows:
            if item[4] < self._skipped:
                continue
            key = item[0], item[1]
            if key in keys or len(waiting) == self._most:
                await self._put_all(piece.name, waiting)
                waiting, keys = [], set()
            waiting.append(item)
            keys.add(key)
        if waiting:
            await self._put_all(piece.name, waiting)

    def _wrong(self, name: str, index: int | None, message: str, item: bytes, line: int = 0) -> None:
        self._processed += 1
        self._failed += 1
        self._since_note += 1
        self._reports.error(name, index, message, item, line)

    async def _put_all(self, name: str, items: Sequence[Item]) -> None:
        table = await self._table()
        await in_rounds(self._put_one(table, name, item) for item in items)
        self._lenient = max(0, self._lenient - len(items))

    async def _put_one(self, table: Table, name: str, item: Item) -> None:
        partition, sort, body, _, index, condition = item
        key, new = Key(table.space, partition, sort), Image(body)
        try:
            wanted = _condition(condition) if condition else None
            if self._pace is not None:
                await self._pace.wait()
            outcome = await self._written(table, key, new, wanted)
        except (ClientError, Fault) as fault:
            self._wrong(name, index, fault.message or "", codec.text(body))
            return
        self._processed += 1
        self._since_note += 1
        if isinstance(outcome, Refused):
            old: Image | None = outcome.reason
            count_unmet(table, old, new.size)
            if self._lenient and old is not None and old.body == body:
                return
            self._reports.unmet(name, index, codec.text(body), None if old is None else old.text)
            return
        count_write(table, outcome)
        self._use(TABLE, written_units(outcome))
        for each, units in (outcome.index_units or {}).items():
            self._use(each, units)

    async def _written(self, table: Table, key: Key, new: Image, condition: Condition | None) -> Written | Refused:
        """Raises ClientError for what no later try would change."""
        budget = LaneBudget()
        while True:
            try:
                apply = admitted_write(table, key, replacer(table, new, condition, budget))
                return await table.write(key, apply)
            except Throttled:
                await asyncio.sleep(THROTTLED_SECONDS)

    def _use(self, name: str, units: int) -> None:
        self._usage[name] = self._usage.get(name, 0) + units * UNIT_BYTES
        if self._pace is not None:
            self._pace.spend(units)

    async def _table(self) -> Table:
        """The table as it is. Raises Failed where it is gone, and what its key is refused with."""
        record = self._record
        found = await self._store.catalog.find(record.account, record.region, record.table)
        if found is None or found.record.id != record.table_id or not found.record.usable_at(self._store.clock.now()):
            text = f"Requested resource not found: Table: {record.table} not found"
            raise Failed("ResourceNotFoundException", text)
        if found.closed is not None:
            raise found.closed.error()
        return found


class Pace:
    """So many units a second, and no more than a second's worth at once."""

    def __init__(self, units: float, monotonic: Callable[[], float]) -> None:
        self._units = units
        self._monotonic = monotonic
        self._left = units
        self._at = monotonic()

    def spend(self, units: int) -> None:
        self._left -= units

    async def wait(self) -> None:
        """Returns when there are units left."""
        while True:
            now = self._monotonic()
            self._left = min(self._units, self._left + (now - self._at) * self._units)
            self._at = now
            if self._left > 0:
                return
            await asyncio.sleep(min(1.0, -self._left / self._units + 0.001))


def _condition(given: bytes) -> Condition:
    """Raises ClientError, Fault."""
    request = orjson.loads(given)
    text, names, values = (request.get(member) for member in CONDITION_MEMBERS)
    if type(text) is not str or not _is_names(names) or not _is_values(values):
        raise errors.validation(NO_CONDITION)
    bound = placeholders(request, LaneBudget())
    condition = bound.condition(CONDITION, text)
    bound.finish()
    return condition


def _is_names(names: object) -> bool:
    if names is None:
        return True
    return type(names) is dict and all(type(name) is str for name in names.values())


def _is_values(values: object) -> bool:
    try:
        return values is None or attributes(values)
    except ValueError:  # of Base64
        return False
