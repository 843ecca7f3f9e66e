"""A table whose changes are archived in process."""

from typing import Any

from tests.archive.backed_up import Items, text_of
from tests.archive.memory_bucket import MemoryBucket
from tests.in_process import Api

from statordb.archive import history
from statordb.archive.stored import Stored
from statordb.keeper.archiving import Archivist
from statordb.store import codec
from statordb.store.archive.records import TrackRecord
from statordb.store.image import Image


def archivist(api: Api, bucket: MemoryBucket) -> Archivist:
    """A keeper that has just begun."""
    return Archivist(api.store, bucket, lambda duty, fault: api.faults.append(fault))


def ship(api: Api, bucket: MemoryBucket) -> Archivist:
    """Have all be done that is to do now, by a keeper that has just begun."""
    keeper = archivist(api, bucket)

    async def work() -> None:
        await keeper.look()
        await keeper.round()
        for id in keeper.bases_due():
            await keeper.scan(id)
        await keeper.round()

    api.run(work())
    assert not api.faults, api.faults
    return keeper


def track(api: Api, name: str = "abc") -> TrackRecord:
    async def find() -> TrackRecord | None:
        table = await api.store.catalog.reload("000000000000", "us-east-1", name)
        assert table is not None
        return await api.store.tracks.of(table.record)

    found: TrackRecord | None = api.run(find())
    assert found is not None
    return found


def state(api: Api, bucket: MemoryBucket, moment: float, name: str = "abc") -> Items:
    """The items of a moment, by their keys as text."""
    source = Stored(api.store.tracks, track(api, name))

    async def read() -> list[Any]:
        cut = await history.cut_at(bucket, source, moment, api.store.engine.traits.change_step)
        return [row async for rows in history.state_at(bucket, source, cut) for row in rows]

    rows = api.run(read())
    found = [Image(row.body).item for row in rows]
    assert len({text_of(each) for each in found}) == len(found), "each comes once"
    assert all(codec.text(row.body) for row in rows)
    return {text_of(each): each for each in found}
