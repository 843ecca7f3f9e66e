"""The archive of a whole store: what it keeps at a time, and what comes back from it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from tests.archive.backed_up import Items, check_whole, create, delete, items, put
from tests.archive.memory_bucket import MemoryBucket
from tests.archive.recovered import ship, track
from tests.in_process import Api

from statordb.archive import shipping
from statordb.archive.objects import segments_folder
from statordb.archive.whole import moments, reading, writing
from statordb.archive.whole.moments import Moments
from statordb.archive.whole.records import MomentRecord
from statordb.archive.whole.restoring import Restored, Restoring
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.store.sealed.engine import SealedEngine
from statordb.store.whole import marker


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    made = Api(tmp_path / "old")
    made.store.tracks.everything = True
    yield made
    made.close()


@pytest.fixture
def bucket() -> MemoryBucket:
    return MemoryBucket()


def keeper(api: Api, bucket: MemoryBucket) -> Moments:
    """What keeps moments, and has just begun."""

    @asynccontextmanager
    async def now() -> AsyncIterator[SealedEngine]:
        engine = api.store.engine
        assert isinstance(engine, SealedEngine)
        assert isinstance(engine.under, LmdbEngine)
        snapshot = engine.under.snapshot()
        yield SealedEngine(snapshot, engine.ring)
        snapshot.release()

    return Moments(api.store, bucket, now, monotonic=api.clock.now)


def keep(api: Api, bucket: MemoryBucket, kept: Moments | None = None) -> MomentRecord:
    """Have all be shipped that there is, and a moment be kept."""
    kept = kept or keeper(api, bucket)
    api.clock.advance(1.0)
    ship(api, bucket)
    api.run(kept.keep())
    assert kept.last is not None
    return kept.last


def back(api: Api, bucket: MemoryBucket, directory: Path, id: str | None = None) -> tuple[Api, Restored]:
    """The store that comes back."""

    async def bring() -> Restored:
        ids = await reading.moments(bucket)
        moment = await reading.moment(bucket, id or ids[-1])
        engine = again.store.engine
        assert isinstance(engine, SealedEngine)
        restored = await Restoring(again.store, bucket, bucket, moment, writing.untold).run()
        await marker.end(engine.under)
        return restored

    again = Api(directory)
    return again, again.run(bring())


def test_a_store_comes_back_as_of_the_last_moment(api: Api, bucket: MemoryBucket, tmp_path: Path) -> None:
    create(api)
    create(api, "def")
    for number in range(40):
        put(api, number, g="x")
        put(api, number, table="def")
    keep(api, bucket)
    chance = Random(1)
    for number in range(60):
        (put if chance.random() < 0.7 else delete)(
            api, chance.randrange(50), **({} if number % 3 else {"table": "def"})
        )
    keep(api, bucket)
    expected = {name: items(api, name) for name in ("abc", "def")}
    put(api, "late")
    create(api, "late")
    again, restored = back(api, bucket, tmp_path / "new")
    assert (restored.tables, restored.missing, restored.shortened) == (2, [], [])
    for name, there in expected.items():
        check_whole(again, name, there)
    assert again("ListTables")["TableNames"] == ["abc", "def"]
    again.close()


def test_all_tables_are_as_of_one_cut(api: Api, bucket: MemoryBucket, tmp_path: Path) -> None:
    """Whoever ships one table, and dies before the next, leaves no half of a transaction."""
    create(api)
    create(api, "def")
    kept = keeper(api, bucket)
    keep(api, bucket, kept)
    both = [{"Put": {"TableName": name, "Item": {"p": {"S": "x"}, "s": {"S": "x"}}}} for name in ("abc", "def")]
    api("TransactWriteItems", TransactItems=both)
    tracks = api.run(api.store.tracks.all())

    api.clock.advance(1.0)

    async def ship_one() -> None:
        reached = await shipping.mark(api.store)
        await shipping.ship(api.store, bucket, tracks[0], reached)
        await kept.keep()

    api.run(ship_one())
    again, _ = back(api, bucket, tmp_path / "new")
    assert items(again, "abc") == items(again, "def") == {}
    again.close()


def test_what_has_not_changed_is_not_put_again(api: Api, bucket: MemoryBucket) -> None:
    create(api)
    kept = keeper(api, bucket)
    first = keep(api, bucket, kept)
    for _ in range(3):
        assert keep(api, bucket, kept) is first  # a mark is no change
    put(api, "x")
    second = keep(api, bucket, kept)
    assert second.id != first.id
    assert second.system == first.system
    assert second.tables[0].next == first.tables[0].next + 1


def test_only_the_last_ones_are_kept_with_what_they_name(api: Api, bucket: MemoryBucket) -> None:
    create(api)
    kept = keeper(api, bucket)
    for number in range(6):
        api("TagResource", ResourceArn="arn:aws:dynamodb:us-east-1:000000000000:table/abc",
            Tags=[{"Key": str(number), "Value": ""}])  # fmt: skip
        keep(api, bucket, kept)
    ids = api.run(reading.moments(bucket))
    assert len(ids) == moments.KEPT
    named = {chunk.name for id in ids for chunk in api.run(reading.moment(bucket, id)).chunks}
    assert {name for name in bucket.objects if name.startswith(moments.FOLDER)} == named


def test_the_last_one_with_all_tables_stays_until_there_is_another(
    api: Api, bucket: MemoryBucket, tmp_path: Path
) -> None:
    """A store that came back may be lost again before it was archived anew."""
    create(api)
    put(api, "x")
    keep(api, bucket)
    again, _ = back(api, bucket, tmp_path / "new")
    again.store.tracks.everything = True
    again.clock.advance(10.0)
    kept = keeper(again, bucket)
    for number in range(6):
        tags = [{"Key": str(number), "Value": ""}]
        again("TagResource", ResourceArn="arn:aws:dynamodb:us-east-1:000000000000:table/abc", Tags=tags)
        again.clock.advance(1.0)
        again.run(kept.keep())
    ids = again.run(reading.moments(bucket))
    assert len(ids) == moments.KEPT + 1
    third, restored = back(again, bucket, tmp_path / "third", ids[0])
    assert (set(items(third)), restored.shortened) == ({"x/x"}, [])
    third.close()
    keep(again, bucket, kept)
    keep(again, bucket, kept)
    assert len(again.run(reading.moments(bucket))) == moments.KEPT
    again.close()


def test_who_comes_next_removes_what_nobody_names_and_no_copy_of_others(api: Api, bucket: MemoryBucket) -> None:
    create(api)
    keep(api, bucket)
    bucket.objects[f"{moments.FOLDER}x/orphan"] = b""
    bucket.objects["whole/x/system-000000"] = b"of a copy that is being made"
    put(api, "x")
    keep(api, bucket)
    assert f"{moments.FOLDER}x/orphan" not in bucket.objects
    assert "whole/x/system-000000" in bucket.objects
    assert len(api.run(reading.moments(bucket))) == 2


@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_a_lost_segment_shortens_its_table_and_no_other(
    api: Api, bucket: MemoryBucket, tmp_path: Path, harm: str
) -> None:
    create(api)
    create(api, "def")
    kept, seen = keeper(api, bucket), list[Items]()
    for number in range(4):
        put(api, number)
        put(api, number, table="def")
        keep(api, bucket, kept)
        seen.append(items(api))
    source = track(api)
    last = sorted(name for name in bucket.objects if name.startswith(f"{segments_folder(source, 0)}/"))[-2]
    if harm == "gone":
        del bucket.objects[last]
    else:
        content = bytearray(bucket.objects[last])
        content[-5] ^= 1
        bucket.objects[last] = bytes(content)
    again, restored = back(api, bucket, tmp_path / "new")
    ((arn, why),) = restored.shortened
    assert arn.endswith("table/abc")
    assert "segment" in why
    assert items(again) == seen[1]
    assert items(again, "def") == items(api, "def")
    again.close()


def test_a_table_that_was_not_archived_yet_comes_back_empty_and_is_told(
    api: Api, bucket: MemoryBucket, tmp_path: Path
) -> None:
    create(api)
    kept = keeper(api, bucket)
    keep(api, bucket, kept)
    create(api, "def")
    put(api, "x", table="def")
    api.clock.advance(1.0)
    api.run(kept.keep())
    again, restored = back(api, bucket, tmp_path / "new")
    assert [arn.rpartition("/")[2] for arn, _ in restored.shortened] == ["def"]
    assert items(again, "def") == {}
    again.close()


def test_what_a_writer_left_that_died_is_no_part_of_it(api: Api, bucket: MemoryBucket, tmp_path: Path) -> None:
    create(api)
    kept = keeper(api, bucket)
    for number in range(3):
        put(api, number)
        keep(api, bucket, kept)
    folder = segments_folder(track(api), 0)
    names = sorted(name for name in bucket.objects if name.startswith(f"{folder}/"))
    stale = bucket.objects[names[0]]
    bucket.objects[f"{folder}/{1:012d}-00000000"] = stale
    bucket.objects[f"{folder}/{9:012d}-00000000"] = stale
    again, restored = back(api, bucket, tmp_path / "new")
    assert restored.shortened == []
    assert items(again) == items(api)
    again.close()
