"""Which tables are archived, and what the archive has of them: a partition for each track, with its segments, its bases
and their parts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial

from statordb.engine.contract import Bounds, Effects, Engine, Key, PageBudget, Refused, Stored
from statordb.store import contention
from statordb.store.archive.records import BASE, SEGMENT, TRACK, BaseRecord, SegmentRecord, TrackRecord
from statordb.store.backups.records import PART, PartRecord, table_members
from statordb.store.keyspace import Space, prefix_end
from statordb.store.records import TableRecord
from statordb.store.rows import PAGE, rows

RECOVERY, STORE = "recovery", "store"  # why a table is archived: its point-in-time recovery; all tables are
DAY_SECONDS = 86400.0
BEGIN_SECONDS = 6.0  # from joining a log to the first moment that can be had, where that is only found out: likely
_EVERY = b"tracks"
_TRACK = b""
_PAGE = PageBudget(rows_max=200, bytes_max=PAGE.bytes_max)
_FORGOTTEN_AT_ONCE = 50


class Overtaken(Exception):
    """Somebody else has done it, under a lease that this process had no more; args[0] says what."""


Change = Callable[[TrackRecord], TrackRecord | None]


class Tracks:
    """Finds and keeps the records of tracks. `everything`: whether every table is archived."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.everything = False

    def reasons(self, record: TableRecord) -> frozenset[str]:
        """Why a table is archived; none: it is not."""
        if record.status == "DELETING":
            return frozenset()
        found = {RECOVERY} if record.recovery is not None else set()
        return frozenset(found | ({STORE} if self.everything else set()))

    def window(self, record: TableRecord) -> float:
        """Seconds for which what is archived of a table is kept."""
        return DAY_SECONDS if record.recovery is None else record.recovery.days * DAY_SECONDS

    async def begin(self, table: TableRecord, now: float) -> None:
        """Note the track that a table names, unless that is done: whoever had it named may have died before."""
        assert table.track is not None
        assert table.log is not None, "it is read"
        names = (table.account, table.region, table.track, table_members(table), table.space, table.log.space)
        if self._engine.traits.guards:
            began_at = int(table.track.partition("-")[0]) / 1000
            record = TrackRecord(*names, began_at, now, begin=0, through=began_at, until=now)
        else:
            record = TrackRecord(*names, now + BEGIN_SECONDS, now)
        mark, key = _mark(record), _key(record, _TRACK)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            if stored[0] is not None:
                return Refused(None)
            return Effects(writes=((mark, b"{}"), (key, TRACK.dump(record))))

        await contention.update(self._engine, (mark, key), plan)

    async def find(self, account: str, region: str, id: str) -> TrackRecord | None:
        stored = await self._engine.get(Key(Space.ARCHIVE, _partition(account, region, id), _TRACK))
        return None if stored is None else TRACK.load(stored.body)

    async def of(self, record: TableRecord) -> TrackRecord | None:
        """The living track of a table."""
        return None if record.track is None else await self.find(record.account, record.region, record.track)

    async def all(self) -> Sequence[TrackRecord]:
        """Every track of every account and region, as it is now."""
        names = [tuple(row.sort.decode().split("/")) async for row in rows(self._engine, Space.ARCHIVE, _EVERY)]
        found = [await self.find(*name) for name in names]
        return [track for track in found if track is not None]

    async def change(self, record: TrackRecord, change: Change) -> TrackRecord | None:
        """Alter a track's record; None if it is gone, or `change` says so. Pure."""
        return await self._change(record, change, lambda changed: ())

    async def add_segment(self, record: TrackRecord, segment: SegmentRecord) -> TrackRecord | None:
        """Note a segment whose object is there, and that the log was read so far; None if somebody else did so."""

        def changed(current: TrackRecord) -> TrackRecord | None:
            if (current.next, current.digest) != (record.next, record.digest):
                return None
            return _with(current, segment)

        return await self._change(record, changed, lambda _: ((_segment(segment.number), SEGMENT.dump(segment)),))

    async def segment(self, record: TrackRecord, number: int) -> SegmentRecord | None:
        stored = await self._engine.get(_key(record, _segment(number)))
        return None if stored is None else SEGMENT.load(stored.body)

    async def segments(self, record: TrackRecord, first: int) -> AsyncIterator[SegmentRecord]:
        """Those from a number on, in order."""
        begin = _segment(first)
        bounds = Bounds(begin, prefix_end(b"segment-"))
        async for row in rows(self._engine, Space.ARCHIVE, _partition_of(record), bounds, budget=_PAGE):
            yield SEGMENT.load(row.body)

    async def bases(self, record: TrackRecord) -> Sequence[BaseRecord]:
        """Those that are done, and one that is being made, in order of time."""
        bounds = Bounds(b"base-", prefix_end(b"base-"))
        found = rows(self._engine, Space.ARCHIVE, _partition_of(record), bounds, budget=_PAGE)
        return [BASE.load(row.body) async for row in found]

    async def begin_base(self, record: TrackRecord, base: BaseRecord) -> None:
        """Note a base that is being made; its number is that of no other one."""

        def changed(current: TrackRecord) -> TrackRecord:
            return _begun(current, base.number)

        await self._change(record, changed, lambda _: ((_base(base.number), BASE.dump(base)),))

    async def keep_base(self, record: TrackRecord, base: BaseRecord) -> None:
        await _put(self._engine, _key(record, _base(base.number)), BASE.dump(base))

    async def parts(self, record: TrackRecord, base: BaseRecord) -> Sequence[PartRecord]:
        """The parts of a base, by number."""
        prefix = _part(base.number)
        found = rows(self._engine, Space.ARCHIVE, _partition_of(record), Bounds(prefix, prefix_end(prefix)))
        return [PART.load(row.body) async for row in found]

    async def add_part(self, record: TrackRecord, base: BaseRecord, part: PartRecord) -> None:
        """Note a part whose object is there. Raises Overtaken where there is one of its number: the next one begins
        where that ended, and not where this one did."""
        key, body = _key(record, _part(base.number) + b"%06d" % part.number), PART.dump(part)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            return Refused(None) if stored[0] is not None else Effects(writes=((key, body),))

        if isinstance(await contention.update(self._engine, (key,), plan), Refused):
            raise Overtaken(f"part {part.number} of base {base.number} of track {record.id} is there")

    async def drop_segments(self, record: TrackRecord, numbers: Sequence[int]) -> None:
        """Forget segments whose objects are gone: the first ones that were there."""
        for at in range(0, len(numbers), _FORGOTTEN_AT_ONCE):
            some = numbers[at : at + _FORGOTTEN_AT_ONCE]
            gone = [(_segment(number), None) for number in some]
            await self._change(record, partial(_shortened, first=some[-1] + 1), partial(_beside, gone))
            await asyncio.sleep(0)

    async def drop_base(self, record: TrackRecord, base: BaseRecord, parts: Sequence[PartRecord]) -> None:
        """Forget a base whose objects are gone."""
        for part in parts:
            await _put(self._engine, _key(record, _part(base.number) + b"%06d" % part.number), None)
        await _put(self._engine, _key(record, _base(base.number)), None)

    async def forget(self, record: TrackRecord) -> None:
        """Of one whose segments and bases are gone."""
        mark, key = _mark(record), _key(record, _TRACK)
        await contention.update(self._engine, (mark, key), lambda stored: Effects(writes=((mark, None), (key, None))))

    async def _change(
        self, record: TrackRecord, change: Change, beside: Callable[[TrackRecord], Sequence[tuple[bytes, bytes | None]]]
    ) -> TrackRecord | None:
        """Alter a record, and write rows beside it, by their sort bytes, in one update."""
        key, further = _key(record, _TRACK), [_key(record, sort) for sort, _ in beside(record)]

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            changed = None if stored[0] is None else change(TRACK.load(stored[0].body))
            if changed is None:
                return Refused(None)
            bodies = [body for _, body in beside(changed)]
            return Effects(writes=[(key, TRACK.dump(changed)), *zip(further, bodies, strict=True)], outcome=changed)

        outcome = await contention.update(self._engine, (key, *further), plan)
        changed: TrackRecord | None = None if isinstance(outcome, Refused) else outcome.outcome
        return changed


async def _put(engine: Engine, key: Key, body: bytes | None) -> None:
    await contention.update(engine, (key,), lambda stored: Effects(writes=((key, body),)))


def _with(record: TrackRecord, segment: SegmentRecord) -> TrackRecord:
    return replace(
        record,
        upto=max(record.upto, segment.upto),
        through=max(record.through, segment.through),
        until=max(record.until, segment.until),
        next=segment.number + 1,
        digest=segment.digest,
        logged=record.logged + segment.size,
    )


def _begun(record: TrackRecord, base: int) -> TrackRecord:
    return replace(record, bases=max(record.bases, base + 1), logged=0)


def _beside(further: Sequence[tuple[bytes, bytes | None]], record: TrackRecord) -> Sequence[tuple[bytes, bytes | None]]:
    """The same rows, whatever becomes of a track's record."""
    return further


def _shortened(record: TrackRecord, first: int) -> TrackRecord:
    return replace(record, first=max(record.first, first))


def _partition(account: str, region: str, id: str) -> bytes:
    return f"track/{account}/{region}/{id}".encode()


def _partition_of(record: TrackRecord) -> bytes:
    return _partition(record.account, record.region, record.id)


def _key(record: TrackRecord, sort: bytes) -> Key:
    return Key(Space.ARCHIVE, _partition_of(record), sort)


def _mark(record: TrackRecord) -> Key:
    return Key(Space.ARCHIVE, _EVERY, f"{record.account}/{record.region}/{record.id}".encode())


def _segment(number: int) -> bytes:
    return b"segment-%012d" % number


def _base(number: int) -> bytes:
    return b"base-%012d" % number


def _part(base: int) -> bytes:
    return b"part-%012d-" % base
