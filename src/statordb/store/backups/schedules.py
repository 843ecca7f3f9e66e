"""Schedules of backups: how far each is, a row of its own. What they say is in the settings of the servers."""

from dataclasses import dataclass

from statordb.engine.contract import Effects, Engine, Key, Row
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.record import Kind, Record

_PARTITION = b"schedules"


@dataclass(frozen=True, slots=True)
class ScheduleRecord(Record):
    """How far a schedule is. `text`: what it said then; `begun_at`: since when, which rates are counted from;
    `last_at`: up to when all is done that was due; `under_way_at`: the time of the backups that are being asked for,
    None if all were. Times in seconds since the epoch."""

    name: str
    text: str
    begun_at: float
    last_at: float
    under_way_at: float | None = None


SCHEDULE = Kind(ScheduleRecord)


class Schedules:
    """Those of a store; one keeper at a time changes them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find(self, name: str) -> ScheduleRecord | None:
        stored = await self._engine.get(_key(name))
        return None if stored is None else SCHEDULE.load(stored.body)

    async def put(self, record: ScheduleRecord) -> ScheduleRecord:
        effects = Effects(writes=((_key(record.name), SCHEDULE.dump(record)),))
        await contention.update(self._engine, (_key(record.name),), lambda stored: effects)
        return record


def is_schedule(row: Row) -> bool:
    """Whether a row of the space is that of a schedule."""
    return row.partition == _PARTITION


def _key(name: str) -> Key:
    return Key(Space.BACKUPS, _PARTITION, name.encode())
