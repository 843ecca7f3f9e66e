"""Has the backups made that are due by the schedules of the settings, and deletes those whose time is over."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from hashlib import blake2b

from statordb.archive.asking import ask, is_worn, record_of
from statordb.metering.month import HOUR
from statordb.store.backups.records import DONE, BackupRecord
from statordb.store.backups.schedules import ScheduleRecord
from statordb.store.records import TableRecord
from statordb.store.scaling.schedules import Schedule
from statordb.store.store import Store

TABLES_AT_ONCE = 4  # asked for in a run
LOOKS = 10  # at a table that changes all the time


@dataclass(frozen=True, slots=True)
class BackupSchedule:
    """One of the settings. `text`: all that says when; `tables`: patterns of names, or of ACCOUNT/REGION/NAME;
    `keep_seconds`: None: until somebody deletes them."""

    name: str
    text: str
    when: Schedule
    tables: Sequence[str]
    keep_seconds: float | None

    def takes(self, table: TableRecord) -> bool:
        full = f"{table.account}/{table.region}/{table.name}"
        return any(fnmatchcase(full if "/" in each else table.name, each) for each in self.tables)


class NotBackedUp(Exception):
    """A table has no backup of a time that one was due; args: its ARN, the schedule's name, and why."""


class BackupSchedules:
    """Some tables a run. Each time that is due is due once, whichever keeper has this; what fell due while none ran is
    made up for by one backup."""

    name = "backup-schedules"
    every_seconds = 1.0

    def __init__(self, store: Store, schedules: Sequence[BackupSchedule]) -> None:
        self._store = store
        self._schedules = schedules
        self._known: dict[str, ScheduleRecord] = {}
        self._asking: AsyncIterator[None] | None = None
        self._delete_at = 0.0

    async def run_once(self) -> bool:
        if self._asking is None:
            self._asking = self._all()
        try:
            for _ in range(TABLES_AT_ONCE):
                await anext(self._asking)
        except StopAsyncIteration:
            self._asking = None
        except BaseException:
            self._asking = None
            raise
        return self._asking is not None

    async def rest(self) -> None:
        self._known, self._asking = {}, None

    async def _all(self) -> AsyncIterator[None]:
        """Gives back between tables, and between backups."""
        faults: list[Exception] = []
        for schedule in self._schedules:
            async for fault in self._see_to(schedule):
                if fault is not None:
                    faults.append(fault)
                yield
        now = self._store.clock.now()
        if now >= self._delete_at:
            async for _ in self._delete(now):
                yield
            self._delete_at = now + HOUR
        if faults:
            raise faults[0] if len(faults) == 1 else ExceptionGroup("tables were not backed up", faults)

    async def _see_to(self, schedule: BackupSchedule) -> AsyncIterator[Exception | None]:
        """Have all made that is due; gives what is wrong with a table, or None."""
        now, record = self._store.clock.now(), await self._record(schedule)
        if record.under_way_at is None:
            due = schedule.when.after(record.last_at, record.begun_at)
            if due is None or due > now:
                return
            record = await self._put(replace(record, under_way_at=round(now, 3)))
        at = record.under_way_at
        assert at is not None
        for table in await self._store.catalog.all():
            if schedule.takes(table) and table.usable_at(now) and table.created_at <= at:
                yield await self._tried(schedule, table, at)
        await self._put(replace(record, last_at=at, under_way_at=None))

    async def _record(self, schedule: BackupSchedule) -> ScheduleRecord:
        """How far it is; one that is new, or says something else now, begins now."""
        known = self._known.get(schedule.name) or await self._store.backup_schedules.find(schedule.name)
        if known is None or known.text != schedule.text:
            now = self._store.clock.now()
            return await self._put(ScheduleRecord(schedule.name, schedule.text, now, now))
        self._known[schedule.name] = known
        return known

    async def _put(self, record: ScheduleRecord) -> ScheduleRecord:
        self._known[record.name] = await self._store.backup_schedules.put(record)
        return record

    async def _tried(self, schedule: BackupSchedule, table: TableRecord, at: float) -> Exception | None:
        why = await self._ask(schedule, table, at)
        return None if why is None else NotBackedUp(table.arn, schedule.name, why)

    async def _ask(self, schedule: BackupSchedule, source: TableRecord, at: float) -> str | None:
        """Why there is no backup. One that was asked for before is found by its id."""
        store, stamp = self._store, datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
        tail = blake2b(f"{schedule.name}\0{source.id}".encode(), digest_size=4).hexdigest()
        for _ in range(LOOKS):
            table = await store.catalog.reload(source.account, source.region, source.name)
            if table is None or table.record.id != source.id:
                return None
            if table.closed is not None:
                return str(table.closed.error().message)
            if await is_worn(store, table):
                return "its log was begun anew too often within a day"
            record = await record_of(table, f"{schedule.name}-{stamp}", at, tail)
            if await store.backups.find(record.account, record.region, record.id) is not None:
                return None
            until = None if schedule.keep_seconds is None else at + schedule.keep_seconds
            if await ask(store, table, replace(record, kept_until=until)):
                return None
        return "it changed all the time"

    async def _delete(self, now: float) -> AsyncIterator[None]:
        every = await self._store.catalog.all()
        async for record in self._store.backups.every():
            if _is_over(record, now) and not any(table.is_restored_from(record.arn) for table in every):
                await self._store.backups.doom(record)
            yield


def _is_over(record: BackupRecord, now: float) -> bool:
    return record.kept_until is not None and now >= record.kept_until and record.phase == DONE
