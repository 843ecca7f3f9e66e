"""Which operations on tables are let in where the server keeps to AWS's quotas."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from statordb.engine.contract import Engine
from statordb.model import errors, limits
from statordb.model.clock import Clock
from statordb.model.quotas import Quotas
from statordb.store import records
from statordb.store.keyspace import Space
from statordb.store.ledger.capacity import capacity_of
from statordb.store.records import TableRecord
from statordb.store.reservations import Reservations
from statordb.store.rows import rows

_ACTIVE = b'"status":"ACTIVE"'  # first the table's, then those of its indexes
_STATUS = b'"status":"'
_ON_DEMAND = b'"billing_mode":"PAY_PER_REQUEST"'

Units = tuple[int, int]
"""Of reads and of writes, a second, that a table and its global indexes are provisioned with."""
NO_UNITS: Units = (0, 0)
_WAYS = ("read", "write")
_OF_ACCOUNT = (limits.ACCOUNT_READ_CAPACITY_MAX, limits.ACCOUNT_WRITE_CAPACITY_MAX)
_OF_TABLE = (limits.TABLE_READ_CAPACITY_MAX, limits.TABLE_WRITE_CAPACITY_MAX)


class Held(NamedTuple):
    """What an account has in a region, and is about to have: tables, how many of them are being created, changed or
    deleted, or have an index that is, and provisioned units."""

    tables: int
    changing: int
    units: Units


class Admission:
    """Lets operations on tables in within the quotas. Records are counted as they are, with what is reserved, so all
    processes and servers keep to them together; only of tables that are changed or deleted at a time there may be more,
    by the number of processes that begin with one at the same moment."""

    def __init__(self, engine: Engine, clock: Clock, quotas: Quotas) -> None:
        self._engine = engine
        self._clock = clock
        self._quotas = quotas
        self._reservations = Reservations(engine, clock)
        self._turn = asyncio.Lock()  # so that those of one process do not refuse each other

    @asynccontextmanager
    async def new_table(self, account: str, region: str, name: str, units: Units = NO_UNITS) -> AsyncIterator[None]:
        """Within this a table may be created; raises LimitExceededException."""
        quotas = self._quotas
        if quotas == Quotas():
            yield
            return
        if quotas.changes:
            _check_units("table", units, units, _OF_TABLE)
        async with self._reserved(account, region, name, units) as held:
            if quotas.tables and held.tables > quotas.tables:
                raise errors.too_many_tables(quotas.tables)
            self._check(held.changing)
            if quotas.changes:
                _check_units("account", units, held.units, _OF_ACCOUNT)
            yield

    @asynccontextmanager
    async def new_units(self, before: TableRecord, after: TableRecord) -> AsyncIterator[None]:
        """Within this a table may get other provisioned units; raises LimitExceededException. Fewer are always let
        in."""
        had, wanted = units_of(before), units_of(after)
        more = tuple(max(new - old, 0) for old, new in zip(had, wanted, strict=True))
        if not self._quotas.changes or not any(more):
            yield
            return
        async with self._reserved(before.account, before.region, before.name, wanted) as held:
            _check_units("account", more, held.units, _OF_ACCOUNT)
            yield

    async def change(self, account: str, region: str) -> None:
        """A table is to be changed or deleted; raises LimitExceededException."""
        if self._quotas.control_operations:
            self._check((await self._count(account, region, None)).changing)

    def _check(self, changing: int) -> None:
        most = self._quotas.control_operations
        if most and changing >= most:
            raise errors.too_many_control_operations(most)

    @asynccontextmanager
    async def _reserved(self, account: str, region: str, name: str, units: Units) -> AsyncIterator[Held]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._turn)
            await stack.enter_async_context(self._reservations.made(account, region, name, units))
            yield await self._count(account, region, name)

    async def _count(self, account: str, region: str, mine: str | None) -> Held:
        """`mine`: the name of the table whose operation it is counted for, which is not one of those that change."""
        reserved = await self._reservations.by_table(account, region)
        tables = changing = 0
        sums = [0, 0]
        now, with_units = self._clock.now(), self._quotas.changes
        async for row in rows(self._engine, Space.CATALOG, f"tables/{account}/{region}".encode()):
            is_settled = row.body.count(_STATUS) == row.body.count(_ACTIVE)
            is_plain = is_settled and (not with_units or _ON_DEMAND in row.body)  # then nothing has to be parsed
            record = None if is_plain else records.load(row.body)
            status = "ACTIVE" if record is None or is_settled else record.status_at(now)
            if status is None:
                continue
            tables += 1
            is_whole = record is None or all(index.status == "ACTIVE" for index in record.indexes)
            changing += status != "ACTIVE" or not is_whole
            has = NO_UNITS if record is None or not with_units or status == "DELETING" else units_of(record)
            will = reserved.pop(row.sort.decode(), NO_UNITS)
            sums = [sum_ + max(each) for sum_, *each in zip(sums, has, will, strict=True)]
        for units in reserved.values():
            sums = [one + other for one, other in zip(sums, units, strict=True)]
        changing += len(reserved) - (mine in reserved)
        return Held(tables + len(reserved), changing, (sums[0], sums[1]))


def units_of(record: TableRecord) -> Units:
    """What a table and its global indexes are provisioned with."""
    capacity = capacity_of(record, 0.0)
    parts = [units for units in (capacity.capacity, *capacity.indexes.values()) if units is not None]
    return sum(units[0] for units in parts), sum(units[1] for units in parts)


def _check_units(whose: str, more: tuple[int, ...], units: Units, most: Units) -> None:
    """`more`: of which ways there are to be more."""
    for way, grows, has, may in zip(_WAYS, more, units, most, strict=True):
        if grows and has > may:
            raise errors.too_many_units(way, may, whose)
