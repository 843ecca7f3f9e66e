"""`statordb backup verify FROM`: whether every object of an archive is what was put, and what it brings back."""

from argparse import Namespace
from datetime import UTC, datetime

from statordb.archive.objects import LOST
from statordb.archive.whole import reading
from statordb.archive.whole.records import ChunkRecord, MomentRecord
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
        for items in moment.tables:
            faults = [why for chunk in items.chunks if (why := await self._chunk(chunk))]
            if items.missing:
                lost.append(f"  {items.arn} was left out: {items.missing}")
            elif faults:
                lost.append(f"  {items.arn} can't be restored: {faults[0]}")
        at = datetime.fromtimestamp(moment.at, UTC).isoformat(timespec="milliseconds")
        there = len(moment.tables) - len(lost)
        told = f"{there} of {len(moment.tables)} tables" if lost else f"all {there} tables"
        rows = sum(chunk.entries for items in moment.tables for chunk in items.chunks)
        self.progress.say(f"{moment.id}: {told} and all else can be restored as of {at} ({rows:,} items)")
        for line in lost:
            self.progress.say(line)
        return not lost

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
