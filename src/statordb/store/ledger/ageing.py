"""The ledger grows old: what processes have of a minute becomes one row, minutes become five minutes and hours, and
what is too old goes (`metering.minutes`).

Each step is one update of rows of one subject: they are read again in it, and what they have in common is put in the
place of all of them. So it may be done twice, by whomever, and nothing is told twice or lost.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from statordb.engine.contract import Bounds, Effects, Engine, Key, PageBudget, Refused, Row, Stop, Stored
from statordb.metering.minutes import Age, Minutes
from statordb.metering.series import REST, TABLE, Figures, Subject, add_figures, decode, encode
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.ledger.ledger import FOREVER
from statordb.store.ledger.records import (
    CAPACITY,
    FIGURES,
    FOLDED,
    SUBJECT,
    FiguresRecord,
    SubjectRecord,
    between,
    capacities_before,
    capacity_partition,
    figures_key,
    key_parts,
    partition_of,
    subject_key,
)

TOGETHER_ROWS_MAX = 60  # read, and made into others, in one update: an hour of one process's minutes
_PAGE = PageBudget(rows_max=TOGETHER_ROWS_MAX, bytes_max=128 * 1024)
BEGINNING = 0


class Group(NamedTuple):
    """Rows that are to be one: of `seconds` from `start` on."""

    start: int
    seconds: int
    keys: list[Key]

    @property
    def key(self) -> Key:
        """Where it is put."""
        subject = self.keys[0].partition
        return figures_key(subject, self.start, self.seconds, FOLDED)


class Ageing:
    """Brings the rows of subjects to their age."""

    def __init__(self, engine: Engine, minutes: Minutes) -> None:
        self._engine = engine
        self._ages = minutes.ages()

    async def age(self, known: SubjectRecord, now: float) -> None:
        """All of a subject. `now`: seconds since the epoch. Raises what the engine raises."""
        aged = [*known.aged, *[BEGINNING] * (len(self._ages) - len(known.aged))]
        found = False
        for position, age in enumerate(self._ages):
            if known.kind == REST and age.length is not None:
                continue  # its rows are of days, which stay what they are until they go
            length = age.length or self._ages[-2].length or 1
            until = int(now - age.after) // length * length
            if until > aged[position]:
                found = await self._bring(known.subject, age, aged[position], until) or found
            if aged[position] != until:  # which is earlier once a clock that was ahead is right again
                found = found or until < aged[position]
                aged[position] = until
        if found:
            await self._note(known.subject, aged)

    async def forget(self, known: SubjectRecord) -> bool:
        """Forget a subject that is gone, once nothing is left of what it used; False as long as there is something."""
        subject = known.subject
        page = await self._engine.range(Space.LEDGER, partition_of(subject), Bounds(), True, _PAGE)
        if page.bodies:
            return False
        if subject.kind == TABLE:
            await self._forget_capacities(known)
        await self._remove([subject_key(subject)])
        return True

    async def _forget_capacities(self, known: SubjectRecord) -> None:
        """The newest first: what had the name before, and long after, is not read."""
        partition = capacity_partition(known.account, known.region, known.name)
        until = FOREVER if known.deleted_at is None else max(known.created_at, known.deleted_at) + 1
        found, after = False, None
        while True:
            bounds = capacities_before(until)
            page = await self._engine.range(Space.LEDGER_CAPACITY, partition, bounds, False, _PAGE, after)
            own = [row for row in page.rows if CAPACITY.load(row.body).id == known.id]
            await self._remove([Key(Space.LEDGER_CAPACITY, partition, row.sort) for row in own])
            found = found or bool(own)
            if page.stop is Stop.EXHAUSTED or (found and (not own or own[-1] is not page.rows[-1])):
                return
            after = page.last[1]
            await asyncio.sleep(0)

    async def _bring(self, subject: Subject, age: Age, since: int, until: int) -> bool:
        """Rows that begin in [since, until); False if there are none."""
        partition, found = partition_of(subject), False
        while since < until:
            page = await self._engine.range(Space.LEDGER, partition, between(since, until), True, _PAGE)
            found = found or bool(page.bodies)
            if age.length is None:
                await self._remove([Key(Space.LEDGER, row.partition, row.sort) for row in page.rows])
            elif page.bodies:
                since = await self._fold(page.rows, age.length, page.stop is Stop.EXHAUSTED)
            if page.stop is Stop.EXHAUSTED:
                break
            await asyncio.sleep(0)
        return found

    async def _remove(self, keys: Sequence[Key]) -> None:
        if keys:
            effects = Effects(writes=[(key, None) for key in keys])
            await contention.update(self._engine, keys, lambda stored: effects)

    async def _fold(self, page: Sequence[Row], length: int, is_last: bool) -> int:
        """Fold the groups of a page; tells from where on the next one is to be. The last group may go on behind it, and
        is folded then, unless it is all that the page has."""
        groups = list(_groups(page, length))
        last = groups[-1]
        if not is_last and len(groups) > 1:
            groups.pop()
        is_open = [group for group in groups if _is_open(group)]
        keys = list(dict.fromkeys(key for group in is_open for key in (*group.keys, group.key)))
        if keys:
            await contention.update(self._engine, keys, lambda stored: _folded(is_open, keys, stored))
        if len(groups) == 1 and last is groups[0] and not is_open:
            return last.start + length
        return last.start

    async def _note(self, subject: Subject, aged: list[int]) -> None:
        """Where the next look begins."""
        key = subject_key(subject)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            if stored[0] is None:
                return Refused(None)
            return Effects(writes=((key, SUBJECT.dump(replace(SUBJECT.load(stored[0].body), aged=aged))),))

        await contention.update(self._engine, (key,), plan)


def _groups(page: Sequence[Row], length: int) -> Iterator[Group]:
    keys = [Key(Space.LEDGER, row.partition, row.sort) for row in page]
    for start, some in groupby(keys, lambda key: key_parts(key.sort)[0] // length * length):
        yield Group(start, length, list(some))


def _is_open(group: Group) -> bool:
    """Whether there is anything to be done: what is one row already may stay what it is."""
    _, seconds, _ = key_parts(group.keys[0].sort)
    return len(group.keys) > 1 or seconds != group.seconds


def _folded(groups: Sequence[Group], keys: Sequence[Key], stored: Sequence[Stored | None]) -> Effects:
    found = dict(zip(keys, stored, strict=True))
    writes: dict[Key, bytes | None] = {}
    for group in groups:
        figures: Figures = {}
        for key in dict.fromkeys((group.key, *group.keys)):
            row = found[key]
            if row is not None:
                add_figures(figures, decode(FIGURES.load(row.body).figures))
                writes[key] = None
        if figures:
            writes[group.key] = FIGURES.dump(FiguresRecord(group.start, group.seconds, encode(figures)))
    return Effects(writes=list(writes.items()))
