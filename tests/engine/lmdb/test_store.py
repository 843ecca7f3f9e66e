"""Opening, formats and what is frozen on disk."""

import asyncio
import os
import shutil
import tempfile
import tracemalloc
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import lmdb
import pytest

from statordb.engine.contract import Bounds, Effects, FormatTooNew, Key, PageBudget, Stop, StoreUnusable
from statordb.engine.lmdb import LmdbEngine, spaces
from statordb.engine.lmdb.batch import MANY_ROWS
from statordb.engine.lmdb.format import STEPS, Step, migrate
from statordb.engine.lmdb.keys import (
    FORMAT_KEY,
    HashCollision,
    Own,
    digest,
    log_prefix,
    pack_id,
    tally_key,
    within_prefix,
)
from statordb.engine.lmdb.rows import named, row_key

NOBODY = 65534

Run = Callable[[Coroutine[Any, Any, Any]], Any]
Plan = Callable[[Any], Effects]


def put_all(keys: list[Key], body: bytes) -> Plan:
    return lambda stored: Effects([(key, body) for key in keys])


def test_many_rows_of_one_update_are_put_as_few_are(directory: Path, run: Run) -> None:
    """They are put together, and deleted one by one."""
    engine = LmdbEngine.open(directory, durable=False)
    keys = [Key(1000, b"%d" % number, b"") for number in range(3 * MANY_ROWS)]
    run(engine.update(keys, put_all(keys, b"old")))
    bodies = [None if number % 3 else b"new%d" % number for number in range(len(keys))]
    run(engine.update(keys, lambda stored: Effects(list(zip(keys, bodies, strict=True)))))
    found = run(engine.read(keys))
    assert [row and row.body for row in found] == bodies
    assert len({row.version for row in found if row is not None}) == 1
    run(engine.close())


def test_what_is_on_disk_never_changes() -> None:
    """Stores in the field have these numbers and layouts in them. A new one may be added, none changed."""
    assert {own.name: own.value for own in Own} == {
        "META": 901,
        "TALLY": 902,
        "DROPPED": 903,
        "LOG": 904,
        "WITHIN": 905,
        "LIVING": 906,
    }
    key = Key(1001, b"partition", b"sort")
    assert row_key(key, digest).hex() == "00000000000003e9" + "c6fd5e0debaf3605a49dc6df8c8750ca" + b"sort".hex()
    assert pack_id(7) + named(key.partition) + b"body" == b"\0\0\0\0\0\0\0\7" + b"\0\11" + b"partition" + b"body"
    assert log_prefix(1001, b"ab").hex() == "0000000000000388" + "00000000000003e9" + "0002" + b"ab".hex()
    assert within_prefix(1001).hex() == "0000000000000389" + "00000000000003e9"
    assert tally_key(1001).hex() == "0000000000000386" + "00000000000003e9"


def test_the_format_is_kept_and_a_newer_one_refused(directory: Path, run: Run) -> None:
    run(LmdbEngine.open(directory, durable=False).close())
    env = lmdb.open(str(directory), lib_version=1)
    with env.begin(write=True) as txn:
        assert txn.get(FORMAT_KEY) == pack_id(len(STEPS))
        txn.put(FORMAT_KEY, pack_id(len(STEPS) + 1))
    env.close()
    with pytest.raises(FormatTooNew) as refused:
        LmdbEngine.open(directory)
    assert refused.value.args == (len(STEPS) + 1, len(STEPS))


def test_migration_takes_the_missing_steps_only(directory: Path, run: Run) -> None:
    run(LmdbEngine.open(directory, durable=False).close())
    env = lmdb.open(str(directory), lib_version=1)
    taken: list[str] = []
    steps = (
        *STEPS,
        Step("a second", lambda txn: taken.append("second")),
        Step("a third", lambda txn: taken.append("third")),
    )
    for _ in range(2):
        with env.begin(write=True) as txn:
            assert migrate(txn, steps) == len(steps)
    assert taken == ["second", "third"]
    env.close()


def test_a_foreign_database_is_left_alone(directory: Path) -> None:
    directory.mkdir()
    env = lmdb.open(str(directory), lib_version=1)
    with env.begin(write=True) as txn:
        txn.put(b"some", b"thing")
    env.close()
    with pytest.raises(StoreUnusable):
        LmdbEngine.open(directory)


def test_a_directory_that_cannot_be_used_is_named_in_one_sentence(directory: Path) -> None:
    directory.write_text("a file")
    for path in (directory, directory / "below"):
        with pytest.raises(StoreUnusable) as unusable:
            LmdbEngine.open(path)
        (sentence,) = unusable.value.args
        assert str(path) in sentence
        assert "\n" not in sentence


def test_a_directory_above_that_may_only_be_passed_through_is_no_hindrance(run: Run) -> None:
    """As that of a service's user in a place of root's. A durable store has its name kept there, where that can be."""
    above = Path(tempfile.mkdtemp(dir="/tmp"))  # pytest's own is for its user alone
    try:
        (above / "data").mkdir(mode=0o700)
        with _as_a_user_who_passes_through(above):
            engine = LmdbEngine.open(above / "data")
            run(engine.close())
    finally:
        above.chmod(0o700)
        shutil.rmtree(above)


@contextmanager
def _as_a_user_who_passes_through(directory: Path) -> Iterator[None]:
    directory.chmod(0o311)
    if os.geteuid() != 0:
        yield
        return
    os.chown(directory / "data", NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_of_something_else_is_refused(directory: Path) -> None:
    directory.mkdir()
    (directory / "data.mdb").write_bytes(b"something else" * 1000)
    with pytest.raises(StoreUnusable):
        LmdbEngine.open(directory)


def test_a_hash_collision_is_seen(directory: Path, run: Run) -> None:
    """With a hash that knows only two values: rows of two partitions that fall on one key are never mixed up."""
    engine = LmdbEngine.open(directory, durable=False, digest=lambda partition: partition[:1] * 16)
    mine, other, apart = Key(1, b"mine", b"s"), Key(1, b"mixed", b"s"), Key(1, b"x", b"s")
    run(engine.update([mine], lambda stored: Effects([(mine, b"1")])))
    run(engine.update([apart], lambda stored: Effects([(apart, b"2")])))
    calls = (
        lambda: engine.read([other]),
        lambda: engine.update([other], lambda stored: Effects([(other, b"3")])),
        lambda: engine.update([apart], lambda stored: Effects([(apart, b"3")]), [(other, 1)]),
        lambda: engine.range(1, b"mixed", Bounds(), True, PageBudget(9, 999)),
    )
    for call in calls:
        with pytest.raises(HashCollision) as seen:
            run(call())
        assert seen.value.args == (1, b"mixed", b"mine")
    for partition in (b"mixed", b"min", b"mine+"):  # also where one's bytes are the front of the other's
        with pytest.raises(HashCollision):
            run(engine.get(Key(1, partition, b"s")))
        with pytest.raises(HashCollision):
            engine.body(1, partition, b"s")
        with pytest.raises(HashCollision):
            engine.page(1, partition, Bounds(), True, PageBudget(9, 999))
    assert [row and row.body for row in run(engine.read([mine, apart]))] == [b"1", b"2"]
    run(engine.close())


@pytest.mark.parametrize("forward", [True, False])
def test_what_lies_beside_a_partition_is_not_read(directory: Path, run: Run, forward: bool) -> None:
    """Large neighbours must not make a small page slow: their values stay in the store."""
    engine = LmdbEngine.open(directory, durable=False, digest=lambda partition: partition * 16)
    small, large = Key(1, b"m", b"s"), 512 * 1024
    neighbours = [Key(1, letter, b"s") for letter in (b"j", b"k", b"l", b"n", b"o", b"p")]
    bodies = {small: b"1", **dict.fromkeys(neighbours, bytes(large))}
    run(engine.update(list(bodies), lambda stored: Effects(list(bodies.items()))))
    tracemalloc.start()
    page = engine.page(1, b"m", Bounds(), forward, PageBudget(100, 1 << 20))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (page.bodies, page.stop) == ([b"1"], Stop.EXHAUSTED)
    assert peak_bytes < large
    run(engine.close())


def test_the_engines_own_rows_are_out_of_reach(directory: Path, run: Run) -> None:
    engine = LmdbEngine.open(directory, durable=False)
    for own in Own:
        key = Key(int(own), b"", b"")
        with pytest.raises(ValueError):
            run(engine.update([key], put_all([key], b"")))
        derived = Effects(derived=[(key, b"", None)])
        with pytest.raises(ValueError):
            run(engine.update([], lambda stored, derived=derived: derived))  # type: ignore[misc]
        with pytest.raises(ValueError):
            run(engine.drop_space(own))
    run(engine.close())


def test_an_engine_serves_one_event_loop_after_another(directory: Path) -> None:
    """Opened before any loop runs, as a server's start does it."""
    engine = LmdbEngine.open(directory, durable=False)
    key = Key(1, b"a", b"")
    for body in (b"1", b"2"):
        asyncio.run(engine.update([key], put_all([key], body)))
    asyncio.run(engine.close())


def test_dropped_spaces_are_cleared_in_chunks(directory: Path, run: Run) -> None:
    engine = LmdbEngine.open(directory, durable=False)
    space = run(engine.create_space())
    keys = [Key(space, b"%d" % i, b"") for i in range(20)]
    run(engine.update(keys, put_all(keys, b"x")))
    run(engine.drop_space(space))
    assert run(engine.reclaim(7)) is True
    assert run(engine.reclaim(7)) is True
    assert run(engine.reclaim(7)) is False
    run(engine.close())


def test_dropped_space_is_used_again(directory: Path, run: Run) -> None:
    """Filling and dropping a table over and over does not make the file grow: the bound is what two tables need."""
    engine = LmdbEngine.open(directory, durable=False)

    async def fill_and_drop() -> None:
        space = await engine.create_space()
        for start in range(0, 1500, 100):
            keys = [Key(space, b"%d" % i, b"") for i in range(start, start + 100)]
            await engine.update(keys, put_all(keys, bytes(1000)))
        await engine.drop_space(space)
        while await engine.reclaim(300):
            pass

    run(fill_and_drop())
    once = engine.metrics()["file_bytes"]
    for _ in range(6):
        run(fill_and_drop())
    metrics = engine.metrics()
    assert metrics["file_bytes"] < 2 * once
    assert metrics["store_bytes"] < 100_000
    assert metrics["free_bytes"] > 0
    run(engine.close())


def test_clearing_and_trimming_get_on_however_little_time_there_is(
    directory: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All others wait meanwhile, so each transaction ends soon; but not before something is done."""
    monkeypatch.setattr(spaces, "JOB_SECONDS", 0.0)
    engine = LmdbEngine.open(directory, durable=False)
    space = run(engine.create_space())
    keys = [Key(space, b"%d" % i, b"") for i in range(20)]
    run(engine.update(keys, put_all(keys, b"x")))
    for _ in range(20):
        run(engine.update([], lambda stored: Effects(changes=[(space + 1, b"", bytes(3000))])))
    run(engine.drop_space(space))
    for call in (partial(engine.reclaim, 1000), partial(engine.trim, space + 1, b"", 1 << 62, 1000)):
        assert run(call())
        for _ in range(30):
            if not run(call()):
                break
        else:
            pytest.fail("no end")
    assert run(engine.read(keys)) == [None] * 20
    assert run(engine.log(space + 1, b"", 0, PageBudget(9, 999))) == []
    run(engine.close())
