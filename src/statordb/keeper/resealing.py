"""Seals the rows of tables anew whose key is another one than it was, or was rotated.

A table's record says what its rows may be sealed by, and by what new ones are. A new key, or new material of the same
one, is added there first. Once every process writes by that, all rows are looked at, and those that are sealed
otherwise are written again as they are. Then the record says that there is nothing else. Looking costs little: who
begins again, after a restart, soon comes to where work ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from statordb.keeper.rounds import in_rounds
from statordb.model.errors import ClientError
from statordb.store import contention
from statordb.store.catalog import Name, tables_in
from statordb.store.kms.keys import keys_in
from statordb.store.kms.records import OWNED, KeyName, name_of, wrapping_of
from statordb.store.news import News
from statordb.store.records import TableRecord
from statordb.store.resealing import reseal, spaces_of
from statordb.store.sealed.resealing import sealed_otherwise
from statordb.store.store import Store
from statordb.store.table import Table
from statordb.store.terms import PageBudget, Place, Refused

_CHUNK = PageBudget(rows_max=50, bytes_max=128 << 10)  # looked at in one go, on an event loop that may be a worker's


@dataclass(slots=True)
class _Course:
    """How far one table has come. `sealed_by`: of its record when it began."""

    sealed_by: Sequence[str]
    left: list[int]  # spaces
    after: Place | None = None


class Resealing:
    """One chunk of each table a run."""

    name = "resealing"
    every_seconds = 1.0

    def __init__(self, store: Store) -> None:
        self._store = store
        self._news = News(store.engine)
        self._pending: dict[Name, TableRecord] | None = None  # not known, at first
        self._courses: dict[int, _Course] = {}  # by the table's space

    async def run_once(self) -> bool:
        advanced = False
        faults: list[Exception] = []
        for record in await self._looked_up():
            try:
                advanced = await self._run(record) or advanced
            except Exception as fault:  # of one table: it is told when the others have had their turn
                faults.append(fault)
        if faults:
            raise ExceptionGroup("rows of tables can't be sealed anew", faults)
        return advanced

    async def _looked_up(self) -> Sequence[TableRecord]:
        """The tables that there is something to do for. Only those are looked at of which, or of whose key, something
        was announced."""
        pending, self._pending = self._pending, None  # in case that reading fails, or is cancelled
        if pending is None or self._store.engine.epoch() != self._news.seen:
            names = self._news.fetch()
            tables, keys = tables_in(names), keys_in(names)
            known, pending = pending, {}
            for record in await self._store.catalog.all():
                name = (record.account, record.region, record.name)
                if known is None or tables is None or keys is None or name in tables or _has_one_of(record, keys):
                    if await self._wanted(record) is not None:
                        pending[name] = record
                elif name in known:
                    pending[name] = record
            spaces = {record.space for record in pending.values()}
            self._courses = {space: course for space, course in self._courses.items() if space in spaces}
        self._pending = pending
        return list(pending.values())

    async def _wanted(self, record: TableRecord) -> str | None:
        """What all rows of a table are to be sealed by, if they may not be yet; None also where that can't be used."""
        if record.status == "DELETING":
            return None
        name = OWNED
        if record.key_arn is not None:
            key = await self._store.kms.keys.find(name_of(record.key_arn))
            if key is None:
                return None
            name = wrapping_of(key)
        return None if record.sealed_by == [name] else name

    async def _run(self, record: TableRecord) -> bool:
        """Whether there is more to do at once."""
        table = await self._store.catalog.reload(record.account, record.region, record.name)
        if table is None or table.space != record.space or table.closed is not None:
            return False
        if not table.record.usable_at(self._store.clock.now()) or _builds(table):
            return False
        name = await self._wanted(table.record)
        if name is None:
            return False
        if table.record.sealed_by[-1] != name:
            return await self._change(table.record, table.record.sealed_anew(name).sealed_by)
        try:
            return await self._chunk(table, await self._course(table))
        except ClientError:  # its key was disabled in between
            return False

    async def _course(self, table: Table) -> _Course:
        course = self._courses.get(table.space)
        if course is None or course.sealed_by != table.record.sealed_by:
            # Who announced the record may have died before all had heard of it.
            await contention.announce(self._store.engine)
            course = _Course(table.record.sealed_by, spaces_of(table))
            self._courses[table.space] = course
        return course

    async def _chunk(self, table: Table, course: _Course) -> bool:
        if not course.left:
            return await self._change(table.record, course.sealed_by[-1:])
        engine, space = self._store.engine, course.left[0]
        if space not in spaces_of(table):  # an index that was deleted
            course.left.pop(0)
            course.after = None
            return True
        found = await sealed_otherwise(engine, space, course.sealed_by[-1], _CHUNK, course.after)
        if not all(await in_rounds(reseal(engine, table, space, row) for row in found.rows)):
            return False  # the same chunk again, a little later
        course.after = found.after
        if found.after is None:
            course.left.pop(0)
        return True

    async def _change(self, record: TableRecord, sealed_by: Sequence[str]) -> bool:
        """Have the record say what its rows may be sealed by, if that is still what it was."""

        def change(current: TableRecord | None) -> TableRecord | Refused:
            if current is None or current.space != record.space or current.sealed_by != record.sealed_by:
                return Refused(None)
            return replace(current, sealed_by=list(sealed_by))

        outcome = await self._store.catalog.change(record.account, record.region, record.name, change)
        return not isinstance(outcome, Refused)


def _has_one_of(record: TableRecord, keys: set[KeyName]) -> bool:
    return bool(keys) and record.key_arn is not None and name_of(record.key_arn) in keys


def _builds(table: Table) -> bool:
    """Whether an index is being built: until it is, nobody knows which entries it has."""
    return bool(table.building) or (table.expiry is not None and not table.expiry.record.ready)
