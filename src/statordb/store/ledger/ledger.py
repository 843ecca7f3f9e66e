"""What was counted, as it is kept: written by each process for itself, read together.

A process puts what it has counted of a subject in a minute again and again, under a name that no other process ever
has: so nobody waits for anybody, and what is put twice is the same. Readers add up what all of them have put.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from statordb.engine.contract import Effects, Engine, Key, PageBudget, Refused, Stop, Stored
from statordb.metering.minutes import Minutes
from statordb.metering.series import Figures, Series, Statistic, Subject, add_figures, decode, encode
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.ledger.records import (
    CAPACITY,
    FIGURES,
    SCOPES,
    SUBJECT,
    CapacityRecord,
    FiguresRecord,
    SubjectRecord,
    between,
    capacities_before,
    capacity_partition,
    figures_key,
    partition_of,
    scope_key,
    scope_partition,
    subject_key,
    subjects_between,
)
from statordb.store.rows import rows

TOGETHER_BYTES_MAX = 8 * 1024  # of rows in one update: one of those that go before large ones
AWAY_MAX = 8  # updates at a time, of a store that has to be waited for
FOREVER = 1 << 40  # seconds since the epoch
_PAGE = PageBudget(rows_max=50, bytes_max=256 * 1024)  # parsed before others get their turn

Wanted = Callable[[Series], bool]
Points = dict[Series, list[tuple[int, Statistic]]]
"""Of each series its periods in order, by their first second."""


class Counted(NamedTuple):
    """What a process has counted of a subject in a minute, all of it."""

    subject: Subject
    minute: int
    process: str
    figures: Figures


class Ledger:
    """The ledger of a store."""

    def __init__(self, engine: Engine, minutes: Minutes) -> None:
        self._engine = engine
        self.minutes = minutes

    async def put(self, counted: Sequence[Counted]) -> None:
        """Put rows in the places of those that the processes have put before. Raises what the engine raises."""
        if self._engine.traits.remote:  # each lies in a partition of its own
            left = iter(counted)
            while beside := list(islice(left, AWAY_MAX)):
                await asyncio.gather(*(self._put([self._row(each)]) for each in beside))
            return
        some: list[tuple[Key, bytes]] = []
        size = 0
        for each in counted:
            some.append(self._row(each))
            size += len(some[-1][1])
            if size >= TOGETHER_BYTES_MAX:
                await self._put(some)
                some, size = [], 0
        if some:
            await self._put(some)

    def _row(self, counted: Counted) -> tuple[Key, bytes]:
        subject, minute, process, figures = counted
        seconds = self.minutes.seconds
        record = FiguresRecord(minute, seconds, encode(figures))
        return figures_key(subject, minute, seconds, process), FIGURES.dump(record)

    async def _put(self, some: Sequence[tuple[Key, bytes]]) -> None:
        effects = Effects(writes=some)
        await contention.update(self._engine, [key for key, _ in some], lambda stored: effects)

    async def read(self, subject: Subject, since: int, until: int, period: int, wanted: Wanted | None = None) -> Points:
        """What was counted of a subject in [since, until), in periods of so many seconds from `since` on. What is kept
        in longer ones than that is told of their first."""
        found: Points = {}
        async for record in self.rows(subject, since, until):
            start = since + (record.start - since) // period * period
            for series, statistic in decode(record.figures).items():
                if wanted is None or wanted(series):
                    points = found.setdefault(series, [])
                    if points and points[-1][0] == start:
                        points[-1][1].merge(statistic)
                    else:
                        points.append((start, statistic))
        return found

    async def total(self, subject: Subject, since: int = 0, until: int = FOREVER) -> Figures:
        """All that was counted of a subject in [since, until)."""
        found: Figures = {}
        async for record in self.rows(subject, since, until):
            add_figures(found, decode(record.figures))
        return found

    async def rows(self, subject: Subject, since: int = 0, until: int = FOREVER) -> AsyncIterator[FiguresRecord]:
        """Rows of a subject that begin in [since, until), in the order of time; for a minute, one of each process."""
        partition, after = partition_of(subject), None
        while since < until:
            page = await self._engine.range(Space.LEDGER, partition, between(since, until), True, _PAGE, after)
            records = [FIGURES.load(body) for body in page.bodies]
            if page.stop is not Stop.EXHAUSTED:
                last = records[-1].start
                if records[0].start == last:
                    after = page.last[1]
                else:  # what is of one time is read in one go: it may become one row between two
                    records = [record for record in records if record.start < last]
                    since, after = last, None
            for record in records:
                yield record
            if page.stop is Stop.EXHAUSTED:
                return
            await asyncio.sleep(0)

    async def scopes(self) -> AsyncIterator[tuple[str, str]]:
        """Accounts and regions that have subjects."""
        async for row in rows(self._engine, Space.LEDGER_SUBJECTS, SCOPES):
            account, _, region = row.sort.decode().partition("/")
            yield account, region

    async def subjects(
        self, account: str, region: str, prefix: str = "", after: str | None = None
    ) -> AsyncIterator[SubjectRecord]:
        """Subjects of an account in a region whose "kind/name/id" begins with `prefix`, in order, behind `after`."""
        partition, bounds = scope_partition(account, region), subjects_between(prefix)
        behind = None if after is None else after.encode()
        async for row in rows(self._engine, Space.LEDGER_SUBJECTS, partition, bounds, behind):
            yield SUBJECT.load(row.body)

    async def note(self, subject: Subject, now: float) -> None:
        """See that a subject is listed. `now`: seconds since the epoch."""
        key, scope = subject_key(subject), scope_key(subject.account, subject.region)
        if await self._engine.get(key) is not None:
            return
        if await self._engine.get(scope) is None:
            await contention.update(self._engine, (scope,), lambda stored: Effects(writes=((scope, b"{}"),)))
        body = SUBJECT.dump(new_subject(subject, now))

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            return Refused(None) if stored[0] is not None else Effects(writes=((key, body),))

        await contention.update(self._engine, (key,), plan)

    async def end(self, subject: Subject, now: float) -> None:
        """See that a table is known to be gone: since it was deleted, or since now where nobody knows."""
        known = await self.capacities(subject)
        at, key = next((each.at for each in known if each.deleted), now), subject_key(subject)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            found = None if stored[0] is None else SUBJECT.load(stored[0].body)
            if found is None or found.deleted_at is not None:
                return Refused(None)
            return Effects(writes=((key, SUBJECT.dump(replace(found, deleted_at=at))),))

        await contention.update(self._engine, (key,), plan)

    async def capacities(self, subject: Subject, since: float = 0.0, until: float = FOREVER) -> list[CapacityRecord]:
        """The capacity that a table had from `since` to `until`, in the order of time: the first may be of before. What
        tables of its name had later is read too, so whoever knows when it was deleted says so by `until`."""
        partition = capacity_partition(subject.account, subject.region, subject.name)
        bounds, after = capacities_before(until), None
        found: list[CapacityRecord] = []
        while True:
            page = await self._engine.range(Space.LEDGER_CAPACITY, partition, bounds, False, _PAGE, after)
            for row in page.rows:
                record = CAPACITY.load(row.body)
                if record.id == subject.id:
                    found.append(record)
                if found and (record.at <= since or record.id != subject.id):  # a name is of one table at a time
                    return found[::-1]
            if page.stop is Stop.EXHAUSTED:
                return found[::-1]
            await asyncio.sleep(0)
            after = page.last[1]


def new_subject(subject: Subject, now: float) -> SubjectRecord:
    """The record of one that was not known before."""
    return SubjectRecord(*subject, created_at=now)
