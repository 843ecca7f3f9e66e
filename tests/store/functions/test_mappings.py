"""Mappings and their checkpoints: one mapping for a stream and a function, checkpoints that never go back."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from statordb.engine.contract import Effects, Key
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.model.clock import ManualClock
from statordb.store.contention import Contended
from statordb.store.functions.mappings import DELETING, Checkpoint, Claimed, MappingRecord, Mappings, WindowRecord
from statordb.store.keyspace import Space

RECORD = MappingRecord("u1", "000000000000", "us-east-1", "stream", "function", "LATEST", 1.0, 1.0)


class Kept:
    """Mappings of a store of their own; calls run to their end."""

    def __init__(self, directory: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.engine = LmdbEngine.open(directory, durable=False)
        self.mappings = Mappings(self.engine, ManualClock())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def create(self, record: MappingRecord, **checkpoints: Checkpoint) -> None:
        self.run(self.mappings.create(record, checkpoints))

    def change(self, record: MappingRecord, **fields: Any) -> Any:
        return self.run(self.mappings.change(record, lambda current: replace(current, **fields)))


@pytest.fixture
def kept() -> Iterator[Kept]:
    parent = "/dev/shm" if Path("/dev/shm").is_dir() else None
    directory = Path(tempfile.mkdtemp(prefix="statordb-test-", dir=parent))
    made = Kept(directory)
    yield made
    made.run(made.engine.close())
    made.loop.close()
    shutil.rmtree(directory)


def test_a_mapping_is_kept_as_it_is(kept: Kept) -> None:
    record = replace(RECORD, patterns=["{}"], tags={"a": "b"}, destination="file:///x", window_seconds=5)
    kept.create(record, shard=Checkpoint(7, window=WindowRecord(60, '{"a":1}')))
    assert kept.run(kept.mappings.find("000000000000", "us-east-1", "u1")) == record
    assert kept.run(kept.mappings.find("000000000000", "us-west-2", "u1")) is None
    assert kept.run(kept.mappings.checkpoints("u1")) == {"shard": Checkpoint(7, window=WindowRecord(60, '{"a":1}'))}
    assert kept.run(kept.mappings.all()) == [record]


def test_one_mapping_has_a_stream_and_a_function(kept: Kept) -> None:
    kept.create(RECORD)
    with pytest.raises(Claimed) as claimed:
        kept.create(replace(RECORD, uuid="u2"))
    assert claimed.value.args == ("u1",)
    other = replace(RECORD, uuid="u2", function="other")
    kept.create(other)
    with pytest.raises(Claimed):
        kept.change(other, function="function")
    assert kept.change(other, function="third").function == "third"
    kept.create(replace(RECORD, uuid="u3", function="other"))
    assert [record.uuid for record in kept.run(kept.mappings.of("000000000000", "us-east-1"))] == ["u1", "u2", "u3"]


def test_one_that_is_to_be_deleted_gives_up_its_claim(kept: Kept) -> None:
    kept.create(RECORD, shard=Checkpoint(1))
    kept.change(RECORD, state=DELETING)
    kept.create(replace(RECORD, uuid="u2"))
    kept.run(kept.mappings.remove(RECORD))
    with pytest.raises(Claimed) as claimed:
        kept.create(replace(RECORD, uuid="u3"))
    assert claimed.value.args == ("u2",)
    assert kept.run(kept.mappings.checkpoints("u1")) == {}
    assert kept.change(RECORD, enabled=False) is None


def test_a_result_is_not_announced_a_change_is(kept: Kept) -> None:
    kept.create(RECORD)
    epoch = kept.engine.epoch()
    kept.change(RECORD, result="OK")
    assert kept.engine.epoch() == epoch
    kept.change(RECORD, enabled=False)
    assert kept.engine.epoch() != epoch


def test_a_mapping_is_changed_however_its_row_is_written(kept: Kept) -> None:
    """Another release writes the same record with other bytes."""
    kept.create(RECORD)
    key = Key(Space.MAPPINGS, b"mappings/000000000000/us-east-1", b"u1")
    body = kept.run(kept.engine.get(key)).body
    spaced = body.replace(b'":', b'": ')
    assert spaced != body
    kept.run(kept.engine.update((key,), lambda stored: Effects(writes=((key, spaced),))))
    assert kept.change(RECORD, batch_size=7).batch_size == 7
    assert kept.run(kept.mappings.all()) == [replace(RECORD, batch_size=7)]


def test_a_change_that_others_always_come_before_ends(kept: Kept) -> None:
    kept.create(RECORD)
    key = Key(Space.MAPPINGS, b"mappings/000000000000/us-east-1", b"u1")
    get = kept.engine.get

    async def overtaken(key: Key) -> Any:
        found = await get(key)
        await kept.engine.update((key,), lambda stored: Effects(writes=((key, found.body),)))
        return found

    kept.engine.get = overtaken  # type: ignore[method-assign,assignment]
    with pytest.raises(Contended) as contended:
        kept.change(RECORD, batch_size=7)
    assert contended.value.args == ((key,),)


def test_a_checkpoint_never_goes_back_nor_outlives_its_mapping(kept: Kept) -> None:
    def save(position: int, ended: bool = False) -> bool:
        return bool(kept.run(kept.mappings.save(RECORD, "shard", Checkpoint(position, ended))))

    assert not save(1)
    kept.create(RECORD)
    assert save(5)
    assert not save(4)
    assert save(5, ended=True)
    assert not save(6)
    kept.run(kept.mappings.forget("u1", ["shard"]))
    assert kept.run(kept.mappings.checkpoint("u1", "shard")) is None
    kept.run(kept.mappings.remove(RECORD))
    assert not save(9)


def test_a_checkpoint_needs_no_other_partition(kept: Kept) -> None:
    """Where an engine spreads partitions, it would cost a transaction."""
    kept.create(RECORD, one=Checkpoint(1))
    footprints: list[set[tuple[int, bytes]]] = []
    update = kept.engine.update

    async def seen(footprint: Any, plan: Any, guards: Any = ()) -> Any:
        footprints.append({(key.space, key.partition) for key in footprint})
        return await update(footprint, plan, guards)

    kept.engine.update = seen  # type: ignore[method-assign]
    assert kept.run(kept.mappings.save(RECORD, "two", Checkpoint(2)))
    assert [len(partitions) for partitions in footprints] == [1]


def test_a_mapping_of_an_earlier_release_keeps_its_checkpoints(kept: Kept) -> None:
    """It made no note of the mapping beside them."""
    kept.create(RECORD, one=Checkpoint(1))
    note = Key(Space.CHECKPOINTS, RECORD.uuid.encode(), b"")
    kept.run(kept.engine.update((note,), lambda stored: Effects(writes=((note, None),))))
    assert kept.run(kept.mappings.save(RECORD, "one", Checkpoint(2)))
    assert kept.run(kept.mappings.checkpoints("u1")) == {"one": Checkpoint(2)}
    kept.run(kept.mappings.remove(RECORD))
    assert not kept.run(kept.mappings.save(RECORD, "one", Checkpoint(3)))
    assert kept.run(kept.mappings.checkpoints("u1")) == {}
    assert kept.run(kept.engine.get(note)) is None
