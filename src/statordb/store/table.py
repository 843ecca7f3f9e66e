"""A table: its primary key, its indexes, and the one way in which its items are written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from statordb.engine.contract import Bounds, Effects, Engine, Guard, Key, Page, PageBudget, Refused, Stored, Usage
from statordb.metering.tap import Tap
from statordb.metering.throttles import TableThrottle
from statordb.model import errors
from statordb.model.schema import KeySchema
from statordb.model.values import Item
from statordb.store import codec
from statordb.store.access import AccessPath, PrimaryPath, RangeForm
from statordb.store.appending import Appender
from statordb.store.image import Image
from statordb.store.indexes.expiry import ExpiryIndex
from statordb.store.indexes.secondary import SecondaryIndex
from statordb.store.kms.closure import Closed
from statordb.store.kms.records import KeyName
from statordb.store.records import TableRecord
from statordb.store.sealed.covers import Cover
from statordb.store.staging import Index, Staging, found

Apply = Callable[[Image | None], Image | Refused | None]
"""From the item as it is to the item as it shall be (None: no item), or a refusal. Pure, and may be called twice."""


class Home(Protocol):
    """The catalog, as its tables see it."""

    @property
    def now(self) -> Callable[[], float]: ...

    async def reload(self, account: str, region: str, name: str) -> Table | None:
        """The table as it is stored now; None if there is none."""
        ...


class Written(NamedTuple):
    """What a write did. `index_units`: write units by index name, only of indexes that changed."""

    old: Image | None
    new: Image | None
    index_units: dict[str, int] | None


LATEST_BYTES_MAX = 4096  # of an item that is kept for the next write of the same item in one transaction
READ_HERE_BYTES = 64 * 1024  # after which others may run
PAUSE_SECONDS = 0.01  # between two looks at the epoch, while writes are to wait
LOOK_SECONDS = 0.5  # between two looks at the record, meanwhile
PAUSED_SECONDS_MAX = 20.0  # that a write waits: longer than another keeper needs to take over from one that died
LOOKS = range(100)  # of one write, at a schema and at entries that change all the time
BUSY = "The table was being changed all the time that the request could wait. Try again."
MOVED = object()  # a refusal's reason: the item changed after its entries were looked up, so look again


class Table:
    """One version of a table's schema, as this process knows it. Never changed: a new version is a new object.

    looks_back  whether a write of an item looks into the one that stands there.
    write_rows  how many rows it writes at most: the item, each index's entry before and after, a change.
    closed      why its items can't be had: its key can't be used;  settled: whatever the time is, they can.
    needed_keys the keys of KMS that they are sealed with.
    tap, throttle  what counts its use, and what limits that (or None); versions of a table have them together.
    """

    __slots__ = (
        "_catalog", "_cover", "_derived", "_engine", "_latest", "_paths", "building", "closed", "expiry", "forms",
        "get", "guard", "here", "indexes", "key_names", "log", "looks_back", "name", "needed_keys", "now",
        "paused", "primary", "record", "schema", "settled", "space", "tap", "throttle", "write_rows",
    )  # fmt: skip

    def __init__(
        self,
        record: TableRecord,
        guard: Guard,
        engine: Engine,
        catalog: Home,
        tap: Tap,
        closed: Closed | None = None,
        cover: Cover | None = None,
        throttle: TableThrottle | None = None,
    ) -> None:
        """`cover`: what has its rows sealed by its own key, as long as it is there."""
        self.record = record
        self._cover = cover
        self.tap, self.throttle = tap, throttle
        self.guard = guard
        self.name = record.name
        self.space = record.space
        self._engine = engine
        self._latest: Image | None = None  # what the last plan came to, for one that is given just that body
        self._catalog = catalog
        self.get = engine.get
        self.here = engine.here
        self.now = catalog.now
        self.forms: dict[object, RangeForm] = {}  # of key conditions, by their text and what its #names mean
        self.closed = closed
        self.needed_keys: Sequence[KeyName] = record.needed_keys()
        self.settled = record.status == "ACTIVE" and closed is None  # else the status depends on the time
        self.schema = KeySchema.parse(record.key_schema, record.definitions)
        self.key_names = self.schema.names
        self.primary = PrimaryPath(record.space, self.schema, engine.disguise)
        self.log = None if record.log is None else Appender(record.log, self.schema)
        self.paused = self.log is not None and self.log.paused
        self.indexes = _indexes(record, self.primary)
        self.building = [index for index in self.indexes if index.record.status == "CREATING"]
        self.expiry = ExpiryIndex(record.expiry, self.primary) if record.expiry else None
        self._derived: list[Index] = [*self.indexes, *([self.expiry] if self.expiry else ())]
        self.looks_back = bool(self._derived) or self.log is not None
        self.write_rows = 1 + 2 * len(self._derived) + (self.log is not None)
        self._paths: dict[str | None, AccessPath] = {None: self.primary}
        self._paths.update((index.name, index) for index in self.indexes)

    def path(self, index_name: str | None) -> AccessPath | None:
        """The way to read by the primary key (None) or by an index; None if there is no such index."""
        return self._paths.get(index_name)

    def ready(self, index_name: str) -> bool:
        """Whether an index of the table may be read: it is not being built."""
        return any(index.name == index_name and index.active for index in self.indexes)

    @property
    def read(self) -> Callable[..., Awaitable[list[Stored | None]]]:
        """See `Engine.read`."""
        return self._engine.read

    async def get_many(self, keys: Sequence[Key], consistent: bool) -> list[bytes | None]:
        """Stored bodies, each as it is when it is read."""
        rows = await self._engine.read(keys, consistent, snapshot=False)
        return [None if stored is None else stored[0] for stored in rows]

    def range(
        self,
        path: AccessPath,
        partition: bytes,
        bounds: Bounds,
        forward: bool,
        budget: PageBudget,
        after: bytes | None,
        consistent: bool,
        head: int | None = None,
    ) -> Awaitable[Page]:
        """Rows of one partition by a path, in or against its order. `head`: see `Engine.range`."""
        return self._engine.range(path.space, partition, bounds, forward, budget, after, consistent, head)

    def scan(
        self,
        path: AccessPath,
        segment: int,
        total: int,
        budget: PageBudget,
        after: tuple[bytes, bytes] | None,
        consistent: bool,
        head: int | None = None,
    ) -> Awaitable[Page]:
        """Rows of one segment by a path, in hash order."""
        return self._engine.scan(path.space, segment, total, budget, after, consistent, head)

    def segment_of(self, partition: bytes, total: int) -> int:
        """The segment of a scan, of `total`, that holds a partition."""
        return self._engine.segment_of(partition, total)

    async def write(self, key: Key, apply: Apply, service: bool = False, replaces: bool = False) -> Written | Refused:
        """Write one item and all that is derived from it, atomically; durable when this returns. Raises as `renewed`,
        and `resumed`. `service`: DynamoDB itself does it, which its change record will say. `replaces`: neither `apply`
        nor the caller looks at more of the old item than its size, and its image may have no more."""
        table = self
        for _ in LOOKS:
            if table.paused:
                table = await table.resumed()
            entries = await table.look_up(key) if table.building else ()
            plan = table.plan(key, apply, entries, service)
            head = codec.HEADER_BYTES if replaces and not table.looks_back else None
            outcome = await table._engine.update((key, *entries), plan, (table.guard,), head)
            if outcome.__class__ is Effects:
                return outcome.outcome  # type: ignore[no-any-return]  # a Written, by the plan
            if isinstance(outcome, Refused):
                if outcome.reason is MOVED:
                    continue
                return outcome
            table = await table.renewed()
        raise errors.throttling(BUSY)

    async def look_up(self, key: Key) -> list[Key]:
        """Entries that an item has, as it is now, in indexes that are being built: they go into the footprint of a
        write, which has to know whether the keeper has entered them yet."""
        row = await self._engine.get(key)
        return [] if row is None else self._building_entries(Image(row[0]))

    def _building_entries(self, image: Image | None) -> list[Key]:
        return [entry[0] for index in self.building if (entry := index.entry(image)) is not None]

    def moved(self, old: Image | None, entries: Sequence[Key]) -> bool:
        """Whether an item is not the one any more whose `entries` were looked up."""
        return not set(entries).issuperset(self._building_entries(old))

    def plan(
        self, key: Key, apply: Apply, entries: Sequence[Key] = (), service: bool = False
    ) -> Callable[[list[Stored | None]], Effects | Refused]:
        """The engine's plan for a write of one item; its footprint is the item's key, then the `entries` looked up."""
        log = self.log
        now = self.now() if log is not None else 0.0

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            row = stored[0]
            old = self._latest
            if old is None or row is None or row[0] is not old.body:
                old = None if row is None else Image(row[0])
            new = apply(old)
            if new.__class__ is Refused:
                return new
            if new is not None and len(new.body) <= LATEST_BYTES_MAX:  # type: ignore[union-attr]
                self._latest = new  # type: ignore[assignment]
            if not self._derived and new is not None:  # nothing but the row itself and its tally
                rows, grown = (1, new.size) if old is None else (0, new.size - old.size)  # type: ignore[union-attr]
                tallies = ((self.space, rows, grown),) if rows or grown else ()
                logged = () if log is None else log.logged(key, old, new, service, now)  # type: ignore[arg-type]
                return Effects(((key, new.body),), (), logged, tallies, False, Written(old, new, None))  # type: ignore[union-attr,arg-type]
            staging = Staging(now=now, service=service)
            if self.building:
                if self.moved(old, entries):
                    return Refused(MOVED)
                staging.entered = found(entries, stored[1:])
            units = self.stage(staging, key, old, new)  # type: ignore[arg-type]
            return staging.effects(Written(old, new, units))  # type: ignore[arg-type]

        return plan

    def stage(self, staging: Staging, key: Key, old: Image | None, new: Image | None) -> dict[str, int] | None:
        """Add the effects of a change of one item; returns write units by index name."""
        if self.log is not None:
            staging.changes += self.log.logged(key, old, new, staging.service, staging.now)
        if not staging.put(self.space, key, old, new) or not self._derived:
            return None
        return staging.derive(self._derived, self.building, key, old, new)

    async def renewed(self) -> Table:
        """The table as it is now; raises ResourceNotFoundException if it is another one, and as `check_usable`."""
        table = await self._catalog.reload(self.record.account, self.record.region, self.name)
        if table is None or table.space != self.space:
            raise errors.resource_not_found()
        check_usable(table)
        return table

    async def resumed(self) -> Table:
        """The table when writes need not wait any more; raises as `renewed`, or ThrottlingException after a while."""
        return await _resumed(self, self._engine.epoch)

    async def usage(self, space: int | None = None) -> Usage:
        """Rows and bytes of the table, or of one of its indexes."""
        return await self._engine.usage(self.space if space is None else space)

    def key_of(self, item: Item) -> Item:
        """The primary key attributes of an item."""
        return {name: item[name] for name in self.key_names}


def _indexes(record: TableRecord, primary: PrimaryPath) -> list[SecondaryIndex]:
    there = (index for index in record.indexes if index.status != "DELETING")
    return [SecondaryIndex(index, record.definitions, primary) for index in there]


def check_usable(table: Table) -> None:
    """Raises ResourceNotFoundException unless a table's items can be read and written, and ValidationException where
    only its key stands against that."""
    if not table.record.usable_at(table.now()):
        raise errors.resource_not_found()
    if table.closed is not None:
        raise table.closed.error()


async def _resumed(table: Table, epoch: Callable[[], int]) -> Table:
    end = time.monotonic() + PAUSED_SECONDS_MAX
    while table.paused:
        if time.monotonic() >= end:
            raise errors.throttling(BUSY)
        seen, until = epoch(), time.monotonic() + LOOK_SECONDS
        while epoch() == seen and time.monotonic() < until:
            await asyncio.sleep(PAUSE_SECONDS)
        table = await table.renewed()
    return table
