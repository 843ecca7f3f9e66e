"""Tables that are gone, beyond those that are kept by themselves, are put together to one subject of their account and
region, the rest: what they were billed stays what it was, to the unit; what they did by the minute goes.

First what a table had counts there, its capacity and its storage of each month, in one update that says so of the
table. Then what it used goes there from the table's rows, a page of them in an update. So nothing is there twice, or
missing, whoever dies in between; a bill that reads meanwhile sees by `Ledger.moves` that it has to read again.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from statordb.engine.contract import Bounds, Effects, Engine, Key, PageBudget, Refused, Row, Stored
from statordb.metering.minutes import FOLDED_AFTER
from statordb.metering.month import DAY, Month
from statordb.metering.series import BILLED, REST, Figures, Series, Statistic, Subject, add_figures, decode, encode
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.ledger.ageing import TOGETHER_ROWS_MAX, Ageing
from statordb.store.ledger.days import COUNTED, Days
from statordb.store.ledger.ledger import Ledger, new_subject
from statordb.store.ledger.records import (
    FIGURES,
    FOLDED,
    SUBJECT,
    FiguresRecord,
    SubjectRecord,
    figures_key,
    key_parts,
    partition_of,
    subject_key,
)
from statordb.store.ledger.usages import Window, held

_PAGE = PageBudget(rows_max=TOGETHER_ROWS_MAX, bytes_max=128 * 1024)
_LAST = PageBudget(rows_max=1, bytes_max=1)

ByDay = dict[int, Figures]
"""Figures by the first second of their day."""


class Settling:
    """Puts tables that are gone to the rest."""

    def __init__(self, engine: Engine, ledger: Ledger, ageing: Ageing) -> None:
        self._engine = engine
        self._ledger = ledger
        self._ageing = ageing

    async def settle(self, known: SubjectRecord, now: float) -> bool:
        """Settle a table whose end is known; False where something of it may still come. `now`: seconds since the
        epoch. Raises what the engine raises."""
        assert known.deleted_at is not None, "it is gone"
        late = now - FOLDED_AFTER * self._ledger.minutes.seconds
        if not known.settled:
            if max(known.deleted_at, await self._last(known.subject)) > late:
                return False
            await self._put(known, (), await self._held(known, now))
        while rows := await self._page(known.subject):
            await self._put(known, [Key(Space.LEDGER, row.partition, row.sort) for row in rows], {})
            await asyncio.sleep(0)
        return await self._ageing.forget(known)

    async def _last(self, subject: Subject) -> int:
        """When the newest row of a subject begins."""
        page = await self._engine.range(Space.LEDGER, partition_of(subject), Bounds(), False, _LAST)
        return key_parts(page.rows[0].sort)[0] if page.bodies else 0

    async def _page(self, subject: Subject) -> Sequence[Row]:
        page = await self._engine.range(Space.LEDGER, partition_of(subject), Bounds(), True, _PAGE)
        return page.rows

    async def _held(self, known: SubjectRecord, now: float) -> ByDay:
        """What is billed for what it was, of each month on the first of its days in that."""
        assert known.deleted_at is not None, "it is gone"
        capacities = await self._ledger.capacities(known.subject, until=known.changes_until(now))
        begins = min([known.created_at, *(each.at for each in capacities)])
        oldest = now - self._ledger.minutes.ages()[-1].after
        days, found = Days(self._ledger), ByDay()
        for month in _months(max(begins, oldest), known.deleted_at):
            quantities = await held(days, Window(month, now), known)
            if quantities:
                day = int(max(begins, oldest, month.begins)) // DAY * DAY
                found[max(day, month.begins)] = {
                    Series(BILLED, kind=usage_type): _once(float(quantity))
                    for usage_type, quantity in quantities.items()
                }
        return found

    async def _put(self, known: SubjectRecord, keys: Sequence[Key], more: ByDay) -> None:
        """Have rows of a table, and `more`, in the rest, and the table known as settled."""
        rest = Subject(known.account, known.region, REST)
        starts = sorted({*more, *(_day_of(key) for key in keys)})
        days = {start: figures_key(rest, start, DAY, FOLDED) for start in starts}
        whole = [subject_key(known.subject), subject_key(rest), *days.values(), *keys]

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            found = dict(zip(whole, stored, strict=True))
            table, listed = found[whole[0]], found[whole[1]]
            if table is None or (more and SUBJECT.load(table.body).settled):
                return Refused(None)
            writes: dict[Key, bytes | None] = dict.fromkeys(keys)
            writes[whole[0]] = SUBJECT.dump(replace(SUBJECT.load(table.body), settled=True))
            record = new_subject(rest, known.created_at) if listed is None else SUBJECT.load(listed.body)
            created_at = min([record.created_at, known.created_at, *starts])
            writes[whole[1]] = SUBJECT.dump(replace(record, created_at=created_at, moves=record.moves + 1))
            gathered = _gathered(more, {key: found[key] for key in keys})
            for start, key in days.items():
                writes[key] = _added(start, found[key], gathered.get(start, {}))
            return Effects(writes=list(writes.items()))

        await contention.update(self._engine, whole, plan)


def _months(since: float, until: float) -> Iterator[Month]:
    month = Month.of(min(since, until))
    while month.begins <= until:
        yield month
        month = Month.of(month.ends)


def _once(value: float) -> Statistic:
    found = Statistic()
    found.add(value)
    return found


def _day_of(key: Key) -> int:
    return key_parts(key.sort)[0] // DAY * DAY


def _gathered(more: ByDay, stored: Mapping[Key, Stored | None]) -> ByDay:
    """What bills want of rows, and of `more`: each usage type is one series."""
    found: ByDay = {start: dict(figures) for start, figures in more.items()}
    for key, row in stored.items():
        if row is None:
            continue
        for series, statistic in decode(FIGURES.load(row.body).figures).items():
            if series.metric in COUNTED:
                plain = Series(series.metric, kind=series.kind)
                found.setdefault(_day_of(key), {}).setdefault(plain, Statistic()).merge(statistic)
    return found


def _added(start: int, stored: Stored | None, figures: Figures) -> bytes | None:
    """The row of a day with more figures."""
    whole: Figures = {} if stored is None else decode(FIGURES.load(stored.body).figures)
    add_figures(whole, figures)
    return FIGURES.dump(FiguresRecord(start, DAY, encode(whole))) if whole else None
