"""The steps from one format to the next, and what is refused."""

from pathlib import Path

import lmdb
import pytest
from tests.engine.conftest import Run

from statordb.engine.contract import Budget, Effects, FormatTooNew
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.engine.lmdb.format import STEPS
from statordb.engine.lmdb.groups import TICK_BITS
from statordb.engine.lmdb.keys import FORMAT_KEY, log_prefix, pack_id, unpack_id

ALL = Budget(1000, 1 << 20)


def rewrite(path: Path, rows: dict[bytes, bytes]) -> None:
    with lmdb.open(str(path), map_size=1 << 24, lib_version=1) as env, env.begin(write=True) as txn:
        for key, value in rows.items():
            txn.put(key, value)


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

    engine = LmdbEngine.open(directory, durable=False)
    assert await engine.log(stream, b"a", 0, ALL) == [*old.items(), *kept]
    assert await engine.log(stream, b"aa", 0, ALL) == [*old.items()]
    assert await engine.log_end(stream, b"aa") == 2 << TICK_BITS | 1
    assert not await engine.trim(stream, b"a", 1 << TICK_BITS | 2, 100)
    assert await engine.log(stream, b"a", 0, ALL) == [*list(old.items())[2:], *kept]
    await engine.close()


def test_a_newer_format_is_refused(directory: Path, run: Run) -> None:
    run(LmdbEngine.open(directory, durable=False).close())
    rewrite(directory, {FORMAT_KEY: pack_id(len(STEPS) + 1)})
    with pytest.raises(FormatTooNew) as refused:
        LmdbEngine.open(directory, durable=False)
    assert refused.value.args == (len(STEPS) + 1, len(STEPS))


def test_what_is_written_today_is_refused_by_0_1_0(directory: Path, run: Run) -> None:
    """It knows one step only, and fails on every table of today."""
    run(LmdbEngine.open(directory, durable=False).close())
    with lmdb.open(str(directory), map_size=1 << 24, lib_version=1) as env, env.begin() as txn:
        kept = txn.get(FORMAT_KEY)
    assert kept is not None
    assert unpack_id(kept) == len(STEPS) > 1
