"""CloudWatch's metrics out of the ledger: what was counted of a metric in periods of so many seconds."""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Sequence
from heapq import merge
from typing import NamedTuple

from statordb.metering import series as words
from statordb.metering.metrics import Made, Source
from statordb.metering.series import Statistic
from statordb.model import limits
from statordb.model.clock import Clock
from statordb.store.ledger.ledger import FOREVER, Ledger, Points
from statordb.store.ledger.records import CapacityRecord, SubjectRecord

FIVE_MINUTES, HOUR, DAY = 300, 3600, 86_400
RETENTION = ((455 * DAY, 0), (63 * DAY, HOUR), (15 * DAY, FIVE_MINUTES))
"""What is older than so many seconds is told in periods that are multiples of so many; of the first not at all."""
LATE_FLUSHES = 1.5
LIVES_A_UNIT = 50  # tables whose capacity is looked up, which costs as much as a row
AT_ONCE = 1000  # periods that are filled, or looked at, before others get their turn
READ_MAX = 250_000  # units, see `Reading`: some 5 s, in slices
READS, WRITES = 0, 1  # in a capacity

Datapoints = dict[int, Statistic]
"""By the first second of their period, in the order of time."""


class TooMuch(Exception):
    """A request reads more than one request may."""


class Reading:
    """What is read for one request, in units: rows of the ledger, datapoints, capacities that are looked at. `whole`:
    so far; `query`: for one query, which can't be answered in parts. Each may be READ_MAX."""

    __slots__ = ("query", "whole")

    def __init__(self) -> None:
        self.whole = 0
        self.query = 0

    def begin(self) -> None:
        """The next query."""
        self.query = 0

    @property
    def is_enough(self) -> bool:
        return self.whole >= READ_MAX

    def spend(self, units: int) -> None:
        """Raises TooMuch."""
        self.whole += units
        self.query += units
        if self.query > READ_MAX:
            raise TooMuch


class Span(NamedTuple):
    """From `since` until before `until`, in periods of so many seconds; since the epoch."""

    since: int
    until: int
    period: int

    def start_of(self, at: float) -> int:
        return self.since + int(at - self.since) // self.period * self.period


class _Life(NamedTuple):
    """What a table was provisioned with while it was there, in the order of time."""

    record: SubjectRecord
    times: Sequence[float]
    capacities: Sequence[CapacityRecord]

    def at(self, moment: float) -> CapacityRecord | None:
        """What it had then; None while it was not there."""
        place = bisect_right(self.times, moment) - 1
        found = self.capacities[place] if place >= 0 else None
        return None if found is None or found.deleted else found


class Metrics:
    """Reads metrics."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    @property
    def minute_seconds(self) -> int:
        return self._ledger.minutes.seconds

    @property
    def late_seconds(self) -> float:
        """Behind its end a minute is told as it is: all have written what they counted in it."""
        return LATE_FLUSHES * self._ledger.minutes.flush_seconds

    def oldest(self, period: int) -> int:
        """From when on something is told in such periods, in seconds since the epoch."""
        age = next(age for age, multiple in reversed(RETENTION) if not multiple or period % multiple)
        return int(self._clock.now()) - age

    async def read(self, account: str, region: str, source: Source, span: Span, reading: Reading) -> Datapoints:
        """What there is of a metric in a span. Raises TooMuch."""
        oldest = self.oldest(span.period)
        if span.since < oldest:
            span = span._replace(since=span.start_of(oldest) + span.period)
        if span.since >= span.until:
            return {}
        if source.told.made is Made.COUNTED:
            return await self._counted(account, region, source, span, reading)
        name = f"{source.name}/" if source.told.made is Made.CAPACITY else ""
        lives = [life async for life in self._lives(account, region, f"{words.TABLE}/{name}", reading)]
        told = _capacity(lives, source) if source.told.made is Made.CAPACITY else _of_account(lives, source.metric)
        return await self._sampled(span, lives, told, reading)

    async def _counted(self, account: str, region: str, source: Source, span: Span, reading: Reading) -> Datapoints:
        prefix = words.ACCOUNT if source.told.kind == words.ACCOUNT else f"{source.told.kind}/{source.name}/"
        found: Datapoints = {}
        lives = []
        async for record in self._ledger.subjects(account, region, prefix):
            lives.append(record)
            reading.spend(1)
            points = await self._ledger.read(
                record.subject, span.since, span.until, span.period, source.has, reading.spend
            )
            _gather(found, points)
            await asyncio.sleep(0)  # a store on this machine answers at once, so nobody else would get a turn
        if source.told.idle:
            for record in lives:
                await self._fill(found, record, span, reading)
        return dict(sorted(found.items()))

    async def _fill(self, found: Datapoints, record: SubjectRecord, span: Span, reading: Reading) -> None:
        """A table that nobody used has used nothing, which is told of each period that is over."""
        over = self._clock.now() - self.late_seconds
        until = min(record.ends(span.until), over)
        start = span.start_of(max(record.created_at, span.since))
        count = 0
        reading.spend(max(int(until - start) // span.period, 0))
        while start + span.period <= until:
            if start not in found:
                found[start] = Statistic(1)
            start += span.period
            count += 1
            if count % AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _lives(self, account: str, region: str, prefix: str, reading: Reading) -> AsyncIterator[_Life]:
        async for record in self._ledger.subjects(account, region, prefix):
            capacities = await self._ledger.capacities(record.subject, until=record.changes_until(FOREVER))
            reading.spend(1 + len(capacities))
            yield _Life(record, [each.at for each in capacities], capacities)
            await asyncio.sleep(0)

    async def _sampled(
        self, span: Span, lives: Sequence[_Life], told: Callable[[float], float | None], reading: Reading
    ) -> Datapoints:
        """What stood every five minutes, and when it changed."""
        until = min(span.until, self._clock.now())
        regular = range(-(-span.since // FIVE_MINUTES) * FIVE_MINUTES, int(until) + 1, FIVE_MINUTES)
        changes = lives[0].times if len(lives) == 1 else ()
        turns = sorted({at for life in lives for at in life.times})  # in between all stays what it is
        found: Datapoints = {}
        before, place, value = None, -1, None
        for count, moment in enumerate(merge(regular, changes)):
            if count % AT_ONCE == 0:
                await asyncio.sleep(0)
            if moment == before or not span.since <= moment < until:
                continue
            before, reached = moment, bisect_right(turns, moment)
            if reached != place:
                place, value = reached, told(moment)
                reading.spend(1 + len(lives) // LIVES_A_UNIT)
                if len(lives) > LIVES_A_UNIT:
                    await asyncio.sleep(0)
            reading.spend(1)
            if value is not None:
                found.setdefault(span.start_of(moment), Statistic()).add(value)
        return found


def _gather(found: Datapoints, points: Points) -> None:
    """Add what the series of a metric have. Entries of local indexes are part of their table's requests, which are
    counted once."""
    for series, told in points.items():
        for start, statistic in told:
            known = found.setdefault(start, Statistic())
            if series.local and series.metric == words.WRITE_UNITS:
                known.sum += statistic.sum
                known.max += statistic.max
            else:
                known.merge(statistic)


def _capacity(lives: Sequence[_Life], source: Source) -> Callable[[float], float | None]:
    """What a table, or an index of it, was provisioned with at a moment, or could have on demand at most."""
    way = READS if "Read" in source.metric else WRITES
    of_maxima = ("MaxReadRequestUnits", "MaxWriteRequestUnits")[way]

    def told(moment: float) -> float | None:
        for life in lives:
            record = life.at(moment)
            if record is None:
                continue
            if source.metric.startswith("OnDemandMax"):
                maximum = record.maxima.get(source.within, {}).get(of_maxima)
                return None if maximum is None or maximum < 0 else float(maximum)
            units = record.indexes.get(source.within) if source.within else record.capacity
            return None if units is None else float(units[way])
        return None

    return told


def _of_account(lives: Sequence[_Life], metric: str) -> Callable[[float], float | None]:
    """What all tables of an account were provisioned with at a moment, together or at most."""
    is_write = "Write" in metric
    way = WRITES if is_write else READS
    of_account = limits.ACCOUNT_WRITE_CAPACITY_MAX if is_write else limits.ACCOUNT_READ_CAPACITY_MAX
    of_table = limits.TABLE_WRITE_CAPACITY_MAX if is_write else limits.TABLE_READ_CAPACITY_MAX
    if metric.startswith("AccountMax"):
        quota = float(of_table if "TableLevel" in metric else of_account)
        return lambda moment: quota

    def told(moment: float) -> float:
        records = [record for life in lives if (record := life.at(moment)) is not None]
        if metric == "TableCount":
            return float(len(records))
        provisioned = [_units(record, way) for record in records]
        if metric.startswith("MaxProvisionedTable"):
            return max(provisioned, default=0) / of_table * 100
        total = float(sum(provisioned))
        return total / of_account * 100 if metric.endswith("Utilization") else total

    return told


def _units(record: CapacityRecord, way: int) -> int:
    """Of a table with its global indexes."""
    return sum(units[way] for units in (record.capacity, *record.indexes.values()) if units is not None)
