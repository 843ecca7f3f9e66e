"""The catalog: which tables there are. Rows like any others, cached per process.

A cached table is used until the engine's epoch says that some process announced a change. A write is guarded besides:
the engine compares the version of the table's catalog row within the update, so that no write ever goes by an old
schema.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import NamedTuple

from statordb.engine.contract import Effects, Engine, Key, Overloaded, PageBudget, Plan, Refused, Stale, Stored
from statordb.metering.series import TABLE_CHANGES, Series
from statordb.metering.tap import Tap
from statordb.metering.taps import Taps
from statordb.metering.usage import ON_DEMAND, prefix_of
from statordb.model import errors
from statordb.model.clock import Clock
from statordb.store import contention, log, logs, records, streams
from statordb.store.keyspace import Space
from statordb.store.kms.closure import closed_by
from statordb.store.kms.keys import Keys, keys_in
from statordb.store.ledger.capacity import change_of
from statordb.store.ledger.records import CAPACITY, capacity_key
from statordb.store.log import LogRecord
from statordb.store.news import TABLE, News
from statordb.store.records import TableRecord
from statordb.store.rows import PAGE, rows
from statordb.store.sealed.table_keys import TableKeys
from statordb.store.spaces import Draft
from statordb.store.streams import StreamRecord
from statordb.store.table import Table
from statordb.store.throttling import Throttling

SLOW = "The request took so long that what was made for it is gone. Try again."
ROOT = b"accounts"  # partition that lists the (account, region) pairs ever used
_PRICED = object()  # a refusal's reason: the change is to be kept in the ledger too
LOOKS_MAX = 5  # at a record that may have changed while it was read

Name = tuple[str, str, str]  # account, region, table name
Change = Callable[[TableRecord | None], TableRecord | Refused | None]
"""From a table's record as it is (None: no such table) to what it shall be (None: none). Pure."""


class Rows(NamedTuple):
    """What is changed in one: the records of a table, of its log, and of a stream of it."""

    table: TableRecord | None
    log: LogRecord | None
    stream: StreamRecord | None


LoggedChange = Callable[[Rows], Rows | Refused]
"""From the records as they are to what they shall be. A log and a stream of None stay as they are. Pure."""


def creation(record: TableRecord, now: float) -> Callable[[TableRecord | None], TableRecord | Refused]:
    """The change that makes a table where there is none of its name; refused with the record of the one that is."""

    def create(existing: TableRecord | None) -> TableRecord | Refused:
        if existing is None:
            return record
        if existing.status_at(now) is not None:
            return Refused(existing)
        return replace(record, leftover=existing.spaces())  # of a deleted table that the keeper has not forgotten yet

    return create


class Catalog:
    """Finds, creates, alters and lists tables."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        keys: Keys,
        taps: Taps,
        sealing: TableKeys | None = None,
        throttles: Throttling | None = None,
    ) -> None:
        """`taps` count the use of tables; `sealing` is told by which keys rows are sealed; `throttles` limit use."""
        self._engine = engine
        self._taps = taps
        self._keys = keys
        self._sealing = sealing
        self._throttles = throttles
        self.now = clock.now
        self._tables: dict[Name, Table] = {}
        self._news = News(engine)
        self._every = _Every(engine)
        self._changes = count()
        self.watch: Callable[[Tap, TableRecord], None] = _unwatched  # has its keys looked at as the record says

    def cached(self, account: str, region: str, name: str) -> Table | None:
        """The table, if this process knows it and may go on believing it."""
        if self._engine.epoch() != self._news.seen:
            if self._sealing is not None:
                self._sealing.heed()
            self._forget(self._news.fetch())
        return self._tables.get((account, region, name))

    async def find(self, account: str, region: str, name: str) -> Table | None:
        """The table; None if there is none. A table that is still CREATING is found too: ask its record."""
        known = self.cached(account, region, name)
        return known if known is not None and known.settled else await self.reload(account, region, name)

    async def reload(self, account: str, region: str, name: str) -> Table | None:
        """The table as it is stored now."""
        key = _key(account, region, name)
        found = await _current(self._engine, key)
        if found is None:
            self._tables.pop((account, region, name), None)
            return None
        (epoch, stored, record), cover = found, None
        needed = record.needed_keys()
        if self._sealing is not None and (needed or record.key_changes):
            cover = self._sealing.cover(record.spaces(), stored.version, record.sealed_by[-1])
        closed = await closed_by(self._keys, needed) if needed else None
        tap = self._taps.of_table(account, region, name, record.id)
        throttle = None if self._throttles is None else self._throttles.of(record, stored.version, tap)
        table = Table(record, (key, stored.version), self._engine, self, tap, closed, cover, throttle)
        if record.status_at(self.now()) is None:
            return None
        self.watch(tap, record)
        if epoch == self._news.seen or not tap.is_billed:
            tap.bill_as(_billed_as(record))
        if epoch == self._news.seen:
            self._tables[account, region, name] = table
        return table

    async def stored(self, account: str, region: str, name: str) -> TableRecord | None:
        """The record of a table as it stands now, also that of one whose deletion is over."""
        stored = await self._engine.get(_key(account, region, name))
        return None if stored is None else records.load(stored.body)

    async def change(
        self, account: str, region: str, name: str, change: Change, draft: Draft | None = None, is_new: bool = False
    ) -> TableRecord | Refused | None:
        """Create, alter or remove a table's record, atomically. Returns what `change` returned.

        `draft`: new spaces that the record names then; they are given back if `change` refuses. `is_new`: the ledger
        keeps of the record what it would keep of a new one.
        """
        key = _key(account, region, name)
        at, kept_key = self._kept_at((account, region, name))

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            row = stored[0]
            before = None if row is None else records.load(row.body)
            changed = change(before)
            if isinstance(changed, Refused):
                return changed
            body = None if changed is None else records.dump(changed)
            kept = _kept(kept_key, None if is_new else before, changed, at)
            if kept and len(stored) == 1:
                return Refused(_PRICED)
            return Effects(writes=[(key, body), *kept], announce=_named(account, region, name), outcome=changed)

        outcome = await self._change((account, region, name), (key, kept_key), plan, draft)
        if draft is not None and isinstance(outcome, Refused):
            await draft.give_back()
        return outcome

    async def change_logged(
        self, name: Name, space: int | None, label: str | None, change: LoggedChange, draft: Draft
    ) -> TableRecord | Refused | None:
        """Create or alter a table's record, that of its log, and that of one of its streams, in one update.

        `space`: where the log lies; `label`: the stream's; None where there is none to be changed. `draft`: as in
        `change`, but that its spaces are the caller's to give back.
        """
        key = _key(*name)
        at, kept_key = self._kept_at(name)
        log_key = None if space is None else logs.key_of(*name, space)
        stream_key = None if label is None else streams.key_of(*name, label)
        footprint = tuple(each for each in (key, log_key, stream_key, kept_key) if each is not None)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            found = dict(zip(footprint, stored, strict=False))
            table, log_row, stream = found[key], found.get(log_key), found.get(stream_key)  # type: ignore[arg-type]
            before = None if table is None else records.load(table.body)
            changed = change(
                Rows(
                    before,
                    None if log_row is None else log.load(log_row.body),
                    None if stream is None else streams.load(stream.body),
                )
            )
            if isinstance(changed, Refused):
                return changed
            record = changed.table
            writes: list[tuple[Key, bytes | None]] = [(key, None if record is None else records.dump(record))]
            if changed.log is not None and log_key is not None:
                writes.append((log_key, log.dump(changed.log)))
            if changed.stream is not None and stream_key is not None:
                writes.append((stream_key, streams.dump(changed.stream)))
            kept = _kept(kept_key, before, record, at)
            if kept and len(stored) < len(footprint):
                return Refused(_PRICED)
            writes += kept
            return Effects(writes=writes, announce=_named(*name), outcome=record)

        return await self._change(name, footprint, plan, draft)

    def _kept_at(self, name: Name) -> tuple[float, Key]:
        """When a change is made, and where the ledger keeps of it what a table's price depends on."""
        at = self.now()
        return at, capacity_key(*name, at, next(self._changes))

    async def _change(
        self, name: Name, footprint: tuple[Key, ...], plan: Plan, draft: Draft | None
    ) -> TableRecord | Refused | None:
        """`footprint`: its last key is in it only where the plan says so (_PRICED), since that lies elsewhere."""
        await self._remember(*name[:2])
        guards = () if draft is None else draft.guards
        try:
            outcome = await contention.guarded(self._engine, footprint[:-1], plan, guards)
            if isinstance(outcome, Refused) and outcome.reason is _PRICED:
                outcome = await contention.guarded(self._engine, footprint, plan, guards)
        except Overloaded:
            if draft is not None:
                await draft.give_back()
            raise
        self._tables.pop(name, None)
        if isinstance(outcome, Stale):
            raise errors.throttling(SLOW)
        if isinstance(outcome, Effects):
            record: TableRecord | None = outcome.outcome
            if record is not None:  # the ledger lists a table before anything is used of it
                self._taps.of_table(*name, record.id).add(Series(TABLE_CHANGES), 1)
            return record
        assert isinstance(outcome, Refused)
        return outcome

    async def names(self, account: str, region: str, after: str | None, limit: int) -> tuple[list[str], bool]:
        """Table names in order behind `after`, at most `limit`, and whether there are more."""
        found: list[str] = []
        behind = None if after is None else after.encode()
        budget = PageBudget(min(limit + 1, PAGE.rows_max), PAGE.bytes_max)
        async for row in rows(self._engine, Space.CATALOG, _partition(account, region), after=behind, budget=budget):
            if records.load(row.body).status_at(self.now()) is None:
                continue
            if len(found) == limit:
                return found, True
            found.append(row.sort.decode())
        return found, False

    async def all(self) -> Sequence[TableRecord]:
        """Every table of every account and region, for the keeper. What is announced is read again, once, however many
        ask."""
        return await self._every.all()

    def _forget(self, names: Sequence[str] | None) -> None:
        """Forget the tables that announcements name, and those whose key they name."""
        tables, keys = tables_in(names), keys_in(names)
        if tables is None or keys is None:
            self._tables.clear()
            return
        if keys:
            tables |= {name for name, table in self._tables.items() if not keys.isdisjoint(table.needed_keys)}
        for name in tables:
            self._tables.pop(name, None)

    async def _remember(self, account: str, region: str) -> None:
        """Note a scope before its first table, so that `all` finds it."""
        key = Key(Space.CATALOG, ROOT, f"{account}/{region}".encode())
        if await self._engine.get(key) is None:
            await contention.update(self._engine, (key,), lambda stored: Effects(writes=((key, b"{}"),)))


class _Every:
    """Every table there is, of which only what is announced is read again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[Name, TableRecord] | None = None
        self._news = News(engine)
        self._reading = asyncio.Lock()

    async def all(self) -> Sequence[TableRecord]:
        """As the catalog's. What is announced is read again, once, however many ask."""
        async with self._reading:
            named = tables_in(self._news.fetch())  # first: a change that comes later is announced after this
            every, self._known = self._known, None  # in case that reading fails, or is cancelled
            if every is None or named is None:
                every = await self._read_all()
            else:
                for name in named:
                    stored = await self._engine.get(_key(*name))
                    if stored is None:
                        every.pop(name, None)
                    else:
                        every[name] = records.load(stored.body)
            self._known = every
            return list(every.values())

    async def _read_all(self) -> dict[Name, TableRecord]:
        found: dict[Name, TableRecord] = {}
        async for scope in rows(self._engine, Space.CATALOG, ROOT):
            account, _, region = scope.sort.decode().partition("/")
            within = rows(self._engine, Space.CATALOG, _partition(account, region))
            found |= {(account, region, row.sort.decode()): records.load(row.body) async for row in within}
        return found


async def _current(engine: Engine, key: Key) -> tuple[int, Stored, TableRecord] | None:
    """A table's row, its record, and the epoch before it was read: a change that comes between is announced after it.
    Where the record says how rows are to be sealed, none of before will do."""
    looks = 0
    while True:
        epoch, stored = engine.epoch(), await engine.get(key)
        if stored is None:
            return None
        record, looks = records.load(stored.body), looks + 1
        if not record.needed_keys() or engine.epoch() == epoch or looks == LOOKS_MAX:
            return epoch, stored, record


def _named(account: str, region: str, name: str) -> Sequence[str]:
    return (f"{TABLE}{account}/{region}/{name}",)


def tables_in(names: Sequence[str] | None) -> set[Name] | None:
    """The tables that announcements name; None for any."""
    if names is None:
        return None
    found = set()
    for name in names:
        if name.startswith(TABLE):
            account, region, table = name.removeprefix(TABLE).split("/", 2)
            found.add((account, region, table))
    return found


def _unwatched(tap: Tap, record: TableRecord) -> None:
    """Nobody looks at keys."""


def _partition(account: str, region: str) -> bytes:
    return f"tables/{account}/{region}".encode()


def _key(account: str, region: str, name: str) -> Key:
    return Key(Space.CATALOG, _partition(account, region), name.encode())


def _kept(key: Key, before: TableRecord | None, after: TableRecord | None, at: float) -> list[tuple[Key, bytes | None]]:
    """The row of a change of what a table's price depends on."""
    change = change_of(before, after, at)
    return [] if change is None else [(key, CAPACITY.dump(change))]


def _billed_as(record: TableRecord) -> str | None:
    """The prefix of the usage types by which its requests are billed; None: its capacity is, instead of them."""
    return prefix_of(record.options.get("TableClass")) if record.billing_mode == ON_DEMAND else None
