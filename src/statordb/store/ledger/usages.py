"""Everybody's usage of a month, and the minutes of their requests, as bills want them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from statordb.metering.comparison import MINUTE, Demand
from statordb.metering.month import DAY, HOUR, Month
from statordb.metering.series import (
    ACCOUNT,
    FREE,
    READ_UNITS,
    REST,
    TABLE,
    WRITE_UNITS,
    Figures,
    add_figures,
    decode,
)
from statordb.metering.usage import ON_DEMAND, Step, Usage, prefix_of
from statordb.store.ledger import charges
from statordb.store.ledger.days import Days, size_of
from statordb.store.ledger.ledger import Ledger
from statordb.store.ledger.records import CapacityRecord, SubjectRecord

LOOKS_BACK = (2 * HOUR, 48 * HOUR, 1500 * HOUR)  # seconds; tables are looked at every hour while a server runs
_UNITS = (READ_UNITS, WRITE_UNITS)


@dataclass(frozen=True, slots=True)
class Window:
    """A month as far as it has gone; seconds since the epoch."""

    month: Month
    now: float

    @property
    def since(self) -> int:
        return self.month.begins

    @property
    def until(self) -> float:
        return min(self.now, self.month.ends)

    def has(self, record: SubjectRecord) -> bool:
        """Whether a subject was there in it."""
        gone = record.deleted_at is not None and record.deleted_at < self.since
        return not gone and record.created_at < self.month.ends + HOUR  # it is listed a little later than it is made


class Used(NamedTuple):
    """What was used of a subject, and since when it was there in the month, in seconds since the epoch."""

    begins: float
    usages: list[Usage]


class Demanded(NamedTuple):
    """What requests used of a table that was there from `since` to `until`."""

    demand: Demand
    since: int
    until: float


async def billed(ledger: Ledger, window: Window, account: str | None) -> AsyncIterator[SubjectRecord]:
    """The tables, accounts in regions, and rests of tables, that were there; of one account, or of all."""
    async for owner, region in ledger.scopes():
        if account is None or account == owner:
            async for record in ledger.subjects(owner, region):
                if record.kind in (TABLE, ACCOUNT, REST) and window.has(record):
                    yield record


async def used(days: Days, window: Window, record: SubjectRecord) -> Used:
    """What was used of a subject."""
    begins, counted, sizes = record.created_at, Figures(), list[Step]()
    stays = record.kind != REST and not record.settled
    for start in range(window.since, ceil(window.until), DAY):
        day = await days.of(record.subject, start, window.now, stays)
        add_figures(counted, day.figures)
        sizes += day.sizes
    found = charges.of_figures(counted)
    if record.kind == TABLE and not record.settled:
        capacities = await days.ledger.capacities(record.subject, window.since, record.changes_until(window.until))
        if capacities:
            begins = capacities[0].at
        for usage_type, quantity in (await _held(days.ledger, window, record, capacities, sizes)).items():
            charges.add(found, usage_type, quantity)
    usages = [Usage(record.account, record.region, record.name, *each) for each in found.items() if each[1]]
    return Used(max(begins, window.since), usages)


async def held(days: Days, window: Window, record: SubjectRecord) -> charges.Quantities:
    """What a table is billed in a month for what it was, whether it was used or not: its capacity and its storage."""
    sizes: list[Step] = []
    for start in range(window.since, ceil(window.until), DAY):
        sizes += (await days.of(record.subject, start, window.now, stays=False)).sizes
    capacities = await days.ledger.capacities(record.subject, window.since, record.changes_until(window.until))
    return await _held(days.ledger, window, record, capacities, sizes)


async def _held(
    ledger: Ledger, window: Window, record: SubjectRecord, capacities: Sequence[CapacityRecord], sizes: Sequence[Step]
) -> charges.Quantities:
    until = record.ends(window.until)
    steps = [*await _size_before(ledger, record, window.since), *sizes]
    found = charges.of_capacity(capacities, window.since, until)
    found |= charges.of_sizes(steps, capacities, window.since, until, window.month.hours)
    return found


async def _size_before(ledger: Ledger, record: SubjectRecord, since: int) -> list[Step]:
    """The last size of a table that was looked at before a time; while no server ran, nobody looked."""
    for back in LOOKS_BACK:
        found: list[Step] = []
        async for row in ledger.rows(record.subject, since - back, since):
            if (size := size_of(decode(row.figures))) is not None:
                found = [Step(row.start, size)]
        if found or since - back < record.created_at:
            return found
    return []


async def demanded(ledger: Ledger, window: Window, record: SubjectRecord) -> Demanded | None:
    """The requests of a table by the minute; None where there were none that are known by the minute."""
    minutes: tuple[dict[str, dict[int, float]], ...] = ({}, {})
    async for row in ledger.rows(record.subject, window.since, window.month.ends):
        for series, statistic in decode(row.figures).items():
            if series.metric in _UNITS and series.kind not in FREE:
                index = "" if series.local else series.index
                by_index = minutes[_UNITS.index(series.metric)]
                _spread(by_index.setdefault(index, {}), row.start, row.seconds, statistic.sum)
    if not any(minutes):
        return None
    capacities = await ledger.capacities(record.subject, window.since, record.changes_until(window.until))
    there = [each for each in capacities if not each.deleted]
    mode, prefix = (there[-1].billing_mode, prefix_of(there[-1].table_class)) if there else (ON_DEMAND, "")
    names = sorted({"", *minutes[0], *minutes[1]})
    reads, writes = (tuple(by_index.get(name, {}) for name in names) for by_index in minutes)
    since = capacities[0].at if capacities else record.created_at
    until = capacities[-1].at if capacities and capacities[-1].deleted else record.ends(window.until)
    demand = Demand(record.account, record.region, record.name, mode, prefix, reads, writes)
    return Demanded(demand, max(window.since, int(since)), min(window.until, until))


def _spread(minutes: dict[int, float], start: int, seconds: int, units: float) -> None:
    """Add what was used in a time evenly to its minutes: what is old is kept in longer times than that."""
    count = max(1, seconds // MINUTE)
    first = start - start % MINUTE
    for at in range(first, first + count * MINUTE, MINUTE):
        minutes[at] = minutes.get(at, 0.0) + units / count
