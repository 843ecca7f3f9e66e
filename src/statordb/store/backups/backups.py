"""Which backups there are: a row each, beside rows that tell of all of them wherever they are, which of them are not
whole yet, and of which objects are still to go."""

from collections.abc import AsyncIterator, Callable, Sequence

from statordb.engine.contract import Effects, Engine, Guard, Key, PageBudget, Refused, Row, Stale, Stored
from statordb.store import contention
from statordb.store.backups.records import BACKUP, DONE, PART, BackupRecord, PartRecord
from statordb.store.keyspace import Space
from statordb.store.rows import PAGE, rows

_EVERY = b"every"
_UNFINISHED = b"unfinished"
_DOOMED = b"doomed"
_PARTS_PAGE = PageBudget(rows_max=1000, bytes_max=PAGE.bytes_max)

Change = Callable[[BackupRecord], BackupRecord]


class Backups:
    """Finds and keeps the records of backups and of their parts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(self, record: BackupRecord, guard: Guard) -> bool:
        """Begin a backup; False if its table has changed since its record was read, whose row `guard` names."""
        key, marks = _key(record), (_mark(_EVERY, record), _mark(_UNFINISHED, record))
        effects = Effects(writes=((key, BACKUP.dump(record)), *((mark, b"{}") for mark in marks)))
        outcome = await contention.guarded(self._engine, (key, *marks), lambda stored: effects, (guard,))
        return not isinstance(outcome, Stale)

    async def adopt(self, record: BackupRecord, parts: Sequence[PartRecord]) -> None:
        """Have one again whose objects are there, and that is whole; it may be done again."""
        assert record.phase == DONE
        for part in parts:
            await self.add_part(record, part)
        keys = _key(record), _mark(_EVERY, record)
        effects = Effects(writes=((keys[0], BACKUP.dump(record)), (keys[1], b"{}")))
        await contention.update(self._engine, keys, lambda stored: effects)

    async def find(self, account: str, region: str, id: str) -> BackupRecord | None:
        stored = await self._engine.get(Key(Space.BACKUPS, _partition(account, region), id.encode()))
        return None if stored is None else BACKUP.load(stored.body)

    async def of(self, account: str, region: str, after: str | None = None) -> AsyncIterator[BackupRecord]:
        """The backups of an account and region behind an id, in order of time."""
        behind = None if after is None else after.encode()
        async for row in rows(self._engine, Space.BACKUPS, _partition(account, region), after=behind):
            yield BACKUP.load(row.body)

    async def every(self) -> AsyncIterator[BackupRecord]:
        """All of them, of every account and region, whether there are tables or not."""
        async for record in self._marked(_EVERY):
            yield record

    async def unfinished(self) -> Sequence[BackupRecord]:
        """Those that are not whole yet, of every account and region. What they read must not go before they are."""
        return [record async for record in self._marked(_UNFINISHED)]

    async def _marked(self, partition: bytes) -> AsyncIterator[BackupRecord]:
        async for row in rows(self._engine, Space.BACKUPS, partition):
            record = await self.find(*_named(row.sort))
            if record is not None:
                yield record

    async def change(self, record: BackupRecord, change: Change) -> BackupRecord | None:
        """Alter a backup's record; None if it is gone. One that is whole is not among the unfinished any more."""
        key, mark = _key(record), _mark(_UNFINISHED, record)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            if stored[0] is None:
                return Refused(None)
            changed = change(BACKUP.load(stored[0].body))
            writes: list[tuple[Key, bytes | None]] = [(key, BACKUP.dump(changed))]
            if len(stored) > 1:
                writes.append((mark, None if changed.phase == DONE else b"{}"))
            return Effects(writes=writes, outcome=changed)

        footprint = (key, mark) if change(record).phase == DONE else (key,)
        outcome = await contention.update(self._engine, footprint, plan)
        changed: BackupRecord | None = None if isinstance(outcome, Refused) else outcome.outcome
        return changed

    async def doom(self, record: BackupRecord) -> bool:
        """Forget a backup; its objects are to go. False if somebody else came first."""
        doomed = _mark(_DOOMED, record)
        keys = (_key(record), _mark(_EVERY, record), _mark(_UNFINISHED, record))

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            if stored[0] is None:
                return Refused(None)
            return Effects(writes=(*((key, None) for key in keys), (doomed, stored[0].body)))

        return not isinstance(await contention.update(self._engine, (*keys, doomed), plan), Refused)

    async def doomed(self) -> Sequence[BackupRecord]:
        """Those whose objects are still to go."""
        return [BACKUP.load(row.body) async for row in rows(self._engine, Space.BACKUPS, _DOOMED)]

    async def forget(self, record: BackupRecord) -> None:
        """Of one whose objects are gone."""
        effects = Effects(writes=((_mark(_DOOMED, record), None),))
        await contention.update(self._engine, (_mark(_DOOMED, record),), lambda stored: effects)

    async def parts(self, record: BackupRecord) -> Sequence[PartRecord]:
        """The parts of a backup, by kind and number."""
        found = rows(self._engine, Space.BACKUPS, _parts_of(record), budget=_PARTS_PAGE)
        return [PART.load(row.body) async for row in found]

    async def add_part(self, record: BackupRecord, part: PartRecord) -> None:
        """Note a part whose object is there."""
        key = _part_key(record, part)
        effects = Effects(writes=((key, PART.dump(part)),))
        await contention.update(self._engine, (key,), lambda stored: effects)

    async def drop_part(self, record: BackupRecord, part: PartRecord) -> None:
        key = _part_key(record, part)
        await contention.update(self._engine, (key,), lambda stored: Effects(writes=((key, None),)))


def is_record(row: Row) -> bool:
    """Whether a row of the space is the record of a backup that there is."""
    return row.partition.startswith(b"backups/")


def is_doomed(row: Row) -> bool:
    """Whether it is the record of one whose objects are still to go."""
    return row.partition == _DOOMED


def _partition(account: str, region: str) -> bytes:
    return f"backups/{account}/{region}".encode()


def _key(record: BackupRecord) -> Key:
    return Key(Space.BACKUPS, _partition(record.account, record.region), record.id.encode())


def _mark(partition: bytes, record: BackupRecord) -> Key:
    return Key(Space.BACKUPS, partition, f"{record.account}/{record.region}/{record.id}".encode())


def _named(sort: bytes) -> tuple[str, str, str]:
    account, region, id = sort.decode().split("/")
    return account, region, id


def _parts_of(record: BackupRecord) -> bytes:
    return f"parts/{record.account}/{record.region}/{record.id}".encode()


def _part_key(record: BackupRecord, part: PartRecord) -> Key:
    return Key(Space.BACKUPS, _parts_of(record), part.name.encode())
