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
from statordb.metering.minutes import DAY, Minutes
from statordb.metering.series import REST, Figures, Series, Statistic, Subject, add_figures, decode, encode
from statordb.metering.taps import OTHERS
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.ledger.records import (
    CAPACITY,
    FIGURES,
    SCOPES,
    SEEN,
    SUBJECT,
    CapacityRecord,
    FiguresRecord,
    SeenRecord,
    SubjectRecord,
    between,
    capacities_before,
    capacity_partition,
    figures_key,
    partition_of,
    scope_key,
    scope_partition,
    seen_key,
    subject_key,
    subjects_between,
)
from statordb.store.rows import PAGE, rows

TOGETHER_BYTES_MAX = 8 * 1024  # of rows in one update: one of those that go before large ones
AWAY_MAX = 8  # updates at a time, of a store that has to be waited for
FOREVER = 1 << 40  # seconds since the epoch
SCOPES_MAX = 10_000  # accounts in regions that have subjects: who is not asked for a key may make up any
COUNTED_ANEW_AFTER = 100  # new ones of a process
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


class Scope(NamedTuple):
    """Whose subjects are listed together."""

    account: str
    region: str


class Ledger:
    """The ledger of a store."""

    def __init__(self, engine: Engine, minutes: Minutes, scopes_max: int = SCOPES_MAX) -> None:
        self._engine = engine
        self.minutes = minutes
        self._scopes_max = scopes_max
        self._more_scopes = 0  # that may come before they are counted again

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

    async def read(
        self,
        subject: Subject,
        since: int,
        until: int,
        period: int,
        wanted: Wanted | None = None,
        spend: Callable[[int], None] = lambda rows: None,
    ) -> Points:
        """What was counted of a subject in [since, until), in periods of so many seconds from `since` on. What is kept
        in longer ones than that is told of their first. `spend`: told of rows that are read; what it raises ends it."""
        found: Points = {}
        async for record in self.rows(subject, since, until):
            spend(1)
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

    async def scopes(self, after: Scope | None = None) -> AsyncIterator[Scope]:
        """Accounts and regions that have subjects, in order, behind `after`."""
        behind = None if after is None else scope_key(*after).sort
        async for row in rows(self._engine, Space.LEDGER_SUBJECTS, SCOPES, after=behind):
            account, _, region = row.sort.decode().partition("/")
            yield Scope(account, region)

    async def subjects(
        self, account: str, region: str, prefix: str = "", after: str | None = None, at_once: int = PAGE.rows_max
    ) -> AsyncIterator[SubjectRecord]:
        """Subjects of an account in a region whose "kind/name/id" begins with `prefix`, in order, behind `after`.
        `at_once`: so many are read."""
        partition, bounds = scope_partition(account, region), subjects_between(prefix)
        budget = PageBudget(at_once, PAGE.bytes_max)
        behind = None if after is None else after.encode()
        async for row in rows(self._engine, Space.LEDGER_SUBJECTS, partition, bounds, behind, budget):
            yield SUBJECT.load(row.body)

    async def note(self, subject: Subject, now: float) -> bool:
        """See that a subject is listed; False where there are so many accounts and regions that it is not. `now`:
        seconds since the epoch."""
        key, scope = subject_key(subject), scope_key(subject.account, subject.region)
        known, listed = await self._engine.get(key), await self._engine.get(scope)
        if known is not None and listed is not None:
            return True
        if listed is None and subject != OTHERS and not await self._has_room():
            return False
        body = SUBJECT.dump(new_subject(subject, now))

        def plan(stored: list[Stored | None]) -> Effects:
            wanted = zip((key, scope), (body, b"{}"), stored, strict=True)
            return Effects(writes=[(at, made) for at, made, found in wanted if found is None])

        await contention.update(self._engine, (key, scope), plan)
        return True

    async def _has_room(self) -> bool:
        """Whether one more account or region may have subjects. Others may have come since they were counted here."""
        if self._more_scopes == 0:
            count = 0
            async for _ in self.scopes():
                count += 1
            room = min(self._scopes_max - count, COUNTED_ANEW_AFTER)
            self._more_scopes = room if room > 0 else -COUNTED_ANEW_AFTER
        if self._more_scopes < 0:  # so many are refused before they are counted again
            self._more_scopes += 1
            return False
        self._more_scopes -= 1
        return True

    async def forget(self, scope: Scope) -> None:
        """Forget an account in a region that has no subjects. Who notes one of it lists it again."""
        key = scope_key(*scope)
        await contention.update(self._engine, (key,), lambda stored: Effects(writes=((key, None),)))

    async def end(self, subject: Subject, now: float) -> float:
        """See that a table is known to be gone: since it was deleted, or since now where nobody knows. Tells when."""
        known = await self.capacities(subject)
        at, key = next((each.at for each in known if each.deleted), now), subject_key(subject)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            found = None if stored[0] is None else SUBJECT.load(stored[0].body)
            if found is None or found.deleted_at is not None:
                return Refused(None)
            return Effects(writes=((key, SUBJECT.dump(replace(found, deleted_at=at))),))

        await contention.update(self._engine, (key,), plan)
        return at

    async def moves(self, account: str | None) -> int:
        """A number that differs once something was put to the rest of an account, or of any."""
        found = 0
        async for scope in self.scopes():
            if account in (None, scope.account):
                stored = await self._engine.get(subject_key(Subject(*scope, REST)))
                found += 0 if stored is None else SUBJECT.load(stored.body).moves
        return found

    async def pass_time(self, now: float) -> float:
        """The time by which the ledger grows old: that of the clock, but each time this is called it goes on by a day
        of the ledger at most. So a clock that was set ahead by years does not take what it has in a moment."""
        key = seen_key()
        stored = await self._engine.get(key)
        day = DAY * self.minutes.seconds
        passed = now if stored is None else min(now, SEEN.load(stored.body).seen + day)
        body = SEEN.dump(SeenRecord(passed))
        await contention.update(self._engine, (key,), lambda stored: Effects(writes=((key, body),)))
        return passed

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
