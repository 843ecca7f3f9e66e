"""`statordb backup verify FROM`: whether every object of an archive is what was put, and what it brings back."""

from argparse import Namespace

from statordb.archive.history import OutOfReach, text_of
from statordb.archive.objects import LOST
from statordb.archive.whole import reading
from statordb.archive.whole.records import ChunkRecord, ItemsRecord, MomentRecord
from statordb.archive.whole.tracked import cut_of, found, items_at, reached
from statordb.objects.faults import Foreign
from statordb.objects.sealed import SealedBucket
from statordb.server.settings import Settings
from statordb.server.transfer.progress import Progress
from statordb.server.whole.place import Failed, objects_in, roots_with, sealed, told_as_failed

EXIT_DAMAGED = 1


async def verify(settings: Settings, place: str, given: Namespace) -> int:
    """The exit code. Raises BadStart, Failed."""
    objects = objects_in(place, given)
    try:
        with told_as_failed(place, given.keys):
            archive = sealed(objects, roots_with(settings, given))
            ids = await reading.moments(archive)
            if not ids:
                raise Failed(f"There is no archive of a store in {place}.")
            looked = Verifying(archive)
            fit = [await looked.moment(id) for id in ids]
    finally:
        await objects.close()
    looked.progress.end(f"in {len(ids)} moment{'' if len(ids) == 1 else 's'} of {place}")
    return 0 if all(fit) else EXIT_DAMAGED


class Verifying:
    """Looks at moments, and prints what it finds. Objects that several of them have are read once."""

    def __init__(self, archive: SealedBucket) -> None:
        self._archive = archive
        self._seen: dict[tuple[str, str], str] = {}  # what is wrong with an object of a name and digest, "" for nothing
        self._rows: dict[str, int] = {}  # items, by tracks
        self.progress = Progress("Verified", 0)

    async def moment(self, id: str) -> bool:
        """Whether all of it can be had. Raises Foreign, and what the bucket does but LOST."""
        try:
            moment = await reading.moment(self._archive, id)
        except Foreign:
            raise
        except LOST as fault:
            self.progress.say(f"{id}: can't be restored: {fault}")
            return False
        faults = [why for part in moment.system for chunk in part.chunks if (why := await self._chunk(chunk))]
        if faults:
            self.progress.say(f"{id}: can't be restored: {faults[0]}")
            return False
        return await self._tables(moment)

    async def _tables(self, moment: MomentRecord) -> bool:
        lost = list[str]()
        cut = await cut_of(self._archive, moment)
        for items in moment.tables:
            faults = [why for chunk in items.chunks if (why := await self._chunk(chunk))]
            if items.track:
                faults += await self._track(items, cut)
            if items.missing:
                lost.append(f"  {items.arn} was left out: {items.missing}")
            elif faults:
                lost.append(f"  {items.arn} can't be restored: {faults[0]}")
        at = text_of(moment.through or moment.at)
        there = len(moment.tables) - len(lost)
        told = f"{there} of {len(moment.tables)} tables" if lost else f"all {there} tables"
        rows = sum(
            self._rows.get(items.track) or sum(chunk.entries for chunk in items.chunks) for items in moment.tables
        )
        self.progress.say(f"{moment.id}: {told} and all else can be restored as of {at} ({rows:,} items)")
        for line in lost:
            self.progress.say(line)
        return not lost

    async def _track(self, items: ItemsRecord, cut: int) -> list[str]:
        """What is wrong with what the archive has of a table: it is read as a restore would read it."""
        try:
            source = await found(self._archive, items)
            upto, why = reached(source, cut)
            rows = 0
            async for some in items_at(self._archive, source, upto):
                rows += len(some)
                self.progress.add(len(some), 0)
            self._rows[items.track] = rows
            return [why] if why else []
        except (*LOST, OutOfReach) as fault:
            return [str(fault)]

    async def _chunk(self, chunk: ChunkRecord) -> str:
        """What is wrong with it, "" for nothing."""
        name = chunk.name, chunk.digest
        if name not in self._seen:
            try:
                rows = 0
                async for some in reading.rows_in(self._archive, chunk):
                    rows += len(some)
                    self.progress.add(len(some), 0)
                self._seen[name] = "" if rows == chunk.entries else f"the object {chunk.name} has {rows} rows"
            except LOST as fault:
                self._seen[name] = str(fault)
        return self._seen[name]
