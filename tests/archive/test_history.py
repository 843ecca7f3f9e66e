"""What the archive of a table tells of any moment, and of what was written between two."""

from random import Random
from typing import Any

import orjson
import pytest
from tests.archive.backed_up import Items, create, delete, item, items, put, text_of
from tests.archive.memory_bucket import MemoryBucket
from tests.archive.recovered import archivist, ship, state, track
from tests.in_process import Api
from tests.keeper.kinesis_stream import tidy

from statordb.archive import history, passes, scanning, shipping
from statordb.archive.basing import scan_base
from statordb.archive.stored import Stored
from statordb.engine.contract import PageBudget
from statordb.objects.faults import Away
from statordb.store.archive.tracks import Overtaken


@pytest.fixture
def bucket() -> MemoryBucket:
    return MemoryBucket()


def _archive_all(api: Api) -> None:
    api.store.tracks.everything = True


@pytest.mark.parametrize("seed", range(8))
def test_every_moment_is_as_it_was(api: Api, bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Of a random history, shipped at random, with room for few entries at a time."""
    chance = Random(seed)
    monkeypatch.setattr(scanning, "PAGE", PageBudget(3, 1 << 20))
    monkeypatch.setattr(shipping, "PAGE", PageBudget(3, 1 << 20))
    if seed % 2:
        monkeypatch.setattr(passes, "BACKUP_OVERLAY_BYTES_MAX", 1500)
        monkeypatch.setattr(shipping, "BACKUP_CHUNK_BYTES_MAX", 400)
    api.store.stream_shards = 1 + seed % 3
    create(api)
    for number in range(5):
        put(api, number)
    _archive_all(api)
    ship(api, bucket)
    seen: list[tuple[float, Items]] = [(api.clock.now(), items(api))]
    for _ in range(12):
        api.clock.advance(1.0)
        for _ in range(chance.randrange(3)):
            _write(api, chance)
        seen.append((api.clock.now(), items(api)))
        if chance.random() < 0.3:
            api.clock.advance(0.5)
            ship(api, bucket)
        if chance.random() < 0.1:
            api.clock.advance(86400.0)
    api.clock.advance(1.0)
    ship(api, bucket)
    for moment, expected in seen:
        assert state(api, bucket, moment) == expected
        assert state(api, bucket, moment + 0.4) == expected


def _write(api: Api, chance: Random) -> None:
    number = chance.randrange(8)
    if chance.random() < 0.3:
        delete(api, number)
    elif chance.random() < 0.3:
        puts = [{"Put": {"TableName": "abc", "Item": item(each, g=str(chance.random()))}} for each in (number, 9)]
        api("TransactWriteItems", TransactItems=puts)
    else:
        put(api, number, g=str(chance.random()))


def test_what_was_written_between_two_cuts_is_told_in_order(api: Api, bucket: MemoryBucket) -> None:
    api.store.stream_shards = 3
    create(api)
    put(api, 0, g="before")
    _archive_all(api)
    ship(api, bucket)
    api.clock.advance(1.0)
    begun = api.clock.now()
    for number in range(4):
        api.clock.advance(1.0)
        put(api, number, g="first")
    delete(api, 3)
    ended = api.clock.now()
    api.clock.advance(1.0)
    put(api, 0, g="behind")
    api.clock.advance(1.0)
    ship(api, bucket)
    source = Stored(api.store.tracks, track(api))

    async def read() -> tuple[list[int], list[history.Net]]:
        after, upto = [await history.cut_at(bucket, source, moment, 0) for moment in (begun, ended)]
        changes = [each async for some in history.entries_between(bucket, source, after, upto) for each in some]
        nets = [net async for some in history.compacted(bucket, source, after, upto) for net in some]
        return [change.sequence for change in changes], nets

    sequences, nets = api.run(read())
    assert sequences == sorted(sequences)
    assert len(sequences) == 5
    told = {text_of(orjson.loads(net.keys)): (_told(net.old), _told(net.new)) for net in nets}
    assert told == {
        "0/x": (item(0, g="before"), item(0, g="first")),
        "1/x": (None, item(1, g="first")),
        "2/x": (None, item(2, g="first")),
    }


def _told(text: bytes | None) -> Any:
    return None if text is None else orjson.loads(text)


def test_a_moment_that_is_not_shipped_is_out_of_reach(api: Api, bucket: MemoryBucket) -> None:
    create(api)
    _archive_all(api)
    ship(api, bucket)
    with pytest.raises(history.OutOfReach):
        state(api, bucket, api.clock.now() + 1.0)


def test_a_segment_that_is_lost_says_of_which_time_it_was(api: Api, bucket: MemoryBucket) -> None:
    """What lies before it, and what lies behind the next base, can be had all the same."""
    create(api)
    _archive_all(api)
    ship(api, bucket)
    moments = []
    for turn in range(3):
        api.clock.advance(10.0)
        put(api, "a", g=str(turn))
        moments.append((api.clock.now(), items(api)))
        api.clock.advance(10.0)
        ship(api, bucket)
    api.clock.advance(86400.0)
    ship(api, bucket)
    (name,) = [name for name in bucket.objects if "/segments/000000/000000000001-" in name]
    bucket.objects[name] = b"x"
    assert state(api, bucket, moments[0][0]) == moments[0][1]
    assert state(api, bucket, moments[2][0]) == moments[2][1]
    with pytest.raises(Exception, match=r"what was written from .* to .* can't be had"):
        state(api, bucket, moments[1][0])


def test_what_is_out_of_the_window_goes(api: Api, bucket: MemoryBucket) -> None:
    create(api)
    _archive_all(api)
    ship(api, bucket)
    for turn in range(6):
        api.clock.advance(86400.0 / 2)
        put(api, turn)
        ship(api, bucket)
    before = len(bucket.objects)
    keeper = archivist(api, bucket)
    api.run(keeper.look())
    api.run(_exhausted(keeper.retire()))
    assert len(bucket.objects) < before - 4
    now = api.clock.now()
    assert state(api, bucket, now) == items(api)
    assert len(state(api, bucket, now - 86400.0)) == 4


async def _exhausted(work: Any) -> None:
    async for _ in work:
        pass


def test_nothing_is_left_of_a_table_that_is_archived_no_more(api: Api, bucket: MemoryBucket) -> None:
    create(api)
    put(api, 1)
    _archive_all(api)
    ship(api, bucket)
    assert bucket.objects
    api.store.tracks.everything = False
    for _ in range(2):
        keeper = archivist(api, bucket)
        api.run(keeper.look())
        api.run(_exhausted(keeper.retire()))
    assert not bucket.objects
    assert not api.run(api.store.tracks.all())
    table = api.run(api.store.catalog.reload("000000000000", "us-east-1", "abc"))
    assert table.record.track is None
    assert table.record.log is None


def test_while_the_place_of_objects_is_away_nothing_is_lost(api: Api, bucket: MemoryBucket) -> None:
    """The log keeps it; what was written away is trimmed."""
    create(api)
    _archive_all(api)
    ship(api, bucket)
    bucket.away = Away("ServiceUnavailable", "it is away")
    keeper = archivist(api, bucket)
    api.run(keeper.look())
    for number in range(3):
        api.clock.advance(10.0)
        put(api, number)
        with pytest.raises(Away):
            api.run(keeper.round())
        tidy(api)
    behind = track(api).through
    assert api.clock.now() - behind >= 30.0
    assert _logged(api) == 3
    bucket.away = None
    moment = api.clock.now()
    api.clock.advance(1.0)
    api.run(keeper.round())
    assert state(api, bucket, moment) == items(api)
    tidy(api)
    assert _logged(api) == 0


def _logged(api: Api) -> int:
    """Changes that the log still has."""

    async def count() -> int:
        (log,) = await api.store.logs.all()
        return sum(
            [len(await api.store.logs.read(log, shard.id, 0, PageBudget(1000, 1 << 20))) for shard in log.shards]
        )

    found: int = api.run(count())
    return found


@pytest.mark.parametrize("pieces", range(5))
def test_a_base_goes_on_where_a_keeper_died(
    api: Api, bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    monkeypatch.setattr(scanning, "PAGE", PageBudget(2, 1 << 20))
    monkeypatch.setattr(scanning, "BACKUP_CHUNK_BYTES_MAX", 1)
    create(api)
    for number in range(8):
        put(api, number)
    _archive_all(api)
    dying = archivist(api, bucket)
    api.run(dying.look())
    api.run(dying.round())
    making = scan_base(api.store, bucket, track(api))
    for _ in range(pieces):
        api.run(anext(making))
        delete(api, 7 - pieces)
    api.run(making.aclose())
    api.clock.advance(1.0)
    before = len(bucket.objects)
    ship(api, bucket)
    assert state(api, bucket, api.clock.now()) == items(api)
    (base,) = api.run(Stored(api.store.tracks, track(api)).bases())
    parts = api.run(api.store.tracks.parts(track(api), base))
    assert [part.number for part in parts] == list(range(len(parts)))
    assert len(bucket.objects) >= before


def test_of_two_keepers_that_scan_one_base_one_is_stopped(
    api: Api, bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that was paused until its lease was another's: parts of both are none of one scan."""
    monkeypatch.setattr(scanning, "PAGE", PageBudget(2, 1 << 20))
    monkeypatch.setattr(scanning, "BACKUP_CHUNK_BYTES_MAX", 1)
    create(api)
    for number in range(8):
        put(api, number)
    _archive_all(api)
    keeper = archivist(api, bucket)
    api.run(keeper.look())
    api.run(keeper.round())
    paused = scan_base(api.store, bucket, track(api))
    api.run(anext(paused))
    other = scan_base(api.store, bucket, track(api))
    api.run(anext(other))
    with pytest.raises(Overtaken):
        api.run(anext(paused))
    api.run(anext(other))
    api.run(other.aclose())
    api.clock.advance(1.0)
    ship(api, bucket)
    assert state(api, bucket, api.clock.now()) == items(api)
