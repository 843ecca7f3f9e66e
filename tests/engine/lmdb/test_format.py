"""The steps from one format to the next, and what is refused."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import lmdb
import pytest
from tests.engine.conftest import Run

from statordb.engine.contract import Effects, Key, PageBudget, Row, StoreUnusable
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.engine.lmdb.format import STEPS
from statordb.engine.lmdb.groups import TICK_BITS
from statordb.engine.lmdb.keys import FORMAT_KEY, living_key, log_prefix, pack_id, unpack_id

ALL = PageBudget(1000, 1 << 20)


def rewrite(path: Path, rows: dict[bytes, bytes], gone: Sequence[bytes] = ()) -> None:
    with lmdb.open(str(path), map_size=1 << 24, lib_version=1) as env, env.begin(write=True) as txn:
        for key, value in rows.items():
            txn.put(key, value)
        for key in gone:
            txn.delete(key)


class AsItIs:
    """A Rewriter that finds nothing to do."""

    last = 1

    def __init__(self, read: Callable[[int], Sequence[Row]]) -> None:
        self.read = read

    def added(self) -> Sequence[tuple[Key, bytes]]:
        return ()

    def row(self, key: Key, body: bytes) -> tuple[Key, bytes] | None:
        return None

    def change(self, stream: int, shard: bytes, body: bytes) -> bytes | None:
        return None


def test_a_store_that_is_not_sealed_is_opened_by_nobody_who_can_not_seal_it(directory: Path, run: Run) -> None:
    """Also where who began with it has died: a lane, or a process of a server that has just been started."""

    async def history() -> None:
        engine = LmdbEngine.open(directory, durable=False)
        await engine.update((), lambda stored: Effects(derived=[(Key(1, b"p", b""), b"x", None)]))
        await engine.close()
        rewrite(directory, {FORMAT_KEY: pack_id(3)})
        for _ in range(2):
            with pytest.raises(StoreUnusable, match="not sealed yet"):
                LmdbEngine.open(directory, durable=False)
            with pytest.raises(StoreUnusable, match="not sealed yet"):
                LmdbEngine.open_lane(directory, lambda prepared: asyncio.sleep(0, b""), durable=False)
        await LmdbEngine.open(directory, durable=False, rewrite=AsItIs).close()
        await LmdbEngine.open(directory, durable=False).close()

    run(history())


def test_entries_that_are_rows_by_themselves_become_groups(directory: Path, run: Run) -> None:
    run(_entries_that_are_rows_by_themselves_become_groups(directory))


async def _entries_that_are_rows_by_themselves_become_groups(directory: Path) -> None:
    """As a log has them that was begun before there were groups, and went on with them."""
    engine = LmdbEngine.open(directory, durable=False)
    stream = await engine.create_space()
    await engine.update((), lambda stored: Effects(changes=[(stream, b"a", b"3"), (stream, b"a", b"4")]))
    kept = await engine.log(stream, b"a", 0, ALL)
    assert kept[0].sequence >> TICK_BITS > 2
    await engine.close()
    old = {1 << TICK_BITS | 1: b"\x01\x00one", 1 << TICK_BITS | 2: b"", 2 << TICK_BITS | 1: b"\x01\x02" + b"x" * 9000}
    rows = {
        log_prefix(stream, shard) + pack_id(sequence): body for shard in (b"a", b"aa") for sequence, body in old.items()
    }
    rewrite(directory, {**rows, FORMAT_KEY: pack_id(1)})

    engine = LmdbEngine.open(directory, durable=False, rewrite=AsItIs)
    assert await engine.log(stream, b"a", 0, ALL) == [*old.items(), *kept]
    assert await engine.log(stream, b"aa", 0, ALL) == [*old.items()]
    assert await engine.log_end(stream, b"aa") == 2 << TICK_BITS | 1
    assert not await engine.trim(stream, b"a", 1 << TICK_BITS | 2, 100)
    assert await engine.log(stream, b"a", 0, ALL) == [*list(old.items())[2:], *kept]
    await engine.close()


def test_spaces_that_have_anything_are_listed(directory: Path, run: Run) -> None:
    """What an earlier release left over is found too; it had no list."""

    async def history() -> tuple[list[int], list[int]]:
        engine = LmdbEngine.open(directory, durable=False)
        rows, log, tally, dropped, _ = [await engine.create_space() for _ in range(5)]
        within = await engine.create_space(within=rows)
        keys = [Key(space, b"p", b"") for space in (rows, within, dropped)]
        effects = Effects([(key, b"x") for key in keys], changes=[(log, b"a", b"1")], tallies=[(tally, 1, 1)])
        await engine.update(keys, lambda stored: effects)
        await engine.drop_space(dropped)
        await engine.close()
        rewrite(directory, {FORMAT_KEY: pack_id(2)}, [living_key(space) for space in range(rows, within)])
        engine = LmdbEngine.open(directory, durable=False, rewrite=AsItIs)
        listed = await engine.spaces()
        await engine.close()
        return listed, [rows, log, tally]

    listed, wanted = run(history())
    assert listed == wanted


def test_what_is_written_today_is_refused_by_0_1_0(directory: Path, run: Run) -> None:
    """It knows one step only, and fails on every table of today."""
    run(LmdbEngine.open(directory, durable=False).close())
    with lmdb.open(str(directory), map_size=1 << 24, lib_version=1) as env, env.begin() as txn:
        kept = txn.get(FORMAT_KEY)
    assert kept is not None
    assert unpack_id(kept) == len(STEPS) > 1
