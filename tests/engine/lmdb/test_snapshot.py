"""A snapshot of an embedded store: all reads see one moment, whatever is written meanwhile."""

import asyncio
from pathlib import Path

import lmdb
import pytest

from statordb.engine.contract import Effects, EngineClosed, Key, PageBudget
from statordb.engine.lmdb.engine import LmdbEngine

BUDGET = PageBudget(2, 1 << 20)


def test_reads_of_a_snapshot_see_one_moment(tmp_path: Path) -> None:
    async def look() -> None:
        engine = LmdbEngine.open(tmp_path, durable=False)
        space = await engine.create_space()
        keys = [Key(space, b"%d" % number, b"") for number in range(5)]
        await engine.update(keys, lambda rows: Effects(writes=[(key, b"before") for key in keys]))
        snapshot = engine.snapshot()
        await engine.update(keys, lambda rows: Effects(writes=[(key, b"after") for key in keys]))
        found, after = [], None
        while page := await snapshot.scan(space, 0, 1, BUDGET, after):
            found += page.bodies
            if len(page.bodies) < BUDGET.rows_max:
                break
            after = page.last
        assert found == [b"before"] * 5
        stored = await snapshot.get(keys[0])
        assert stored is not None
        assert stored.body == b"before"
        assert snapshot.body(*keys[0]) == b"before"
        assert [row and row.body for row in await snapshot.read(keys[:2])] == [b"before"] * 2
        assert await snapshot.spaces() == [space]
        with pytest.raises(EngineClosed):
            await snapshot.update(keys, lambda rows: Effects())
        snapshot.release()
        with pytest.raises(EngineClosed):
            await snapshot.get(keys[0])
        stored = await engine.get(keys[0])
        assert stored is not None
        assert stored.body == b"after"
        await engine.close()

    asyncio.run(look())


def test_pages_are_used_again_once_it_is_released(tmp_path: Path) -> None:
    async def look() -> None:
        engine = LmdbEngine.open(tmp_path, durable=False)
        space = await engine.create_space()
        key = Key(space, b"p", b"")

        async def write(times: int) -> float:
            for number in range(times):
                body = b"%d" % number * 20_000
                await engine.update((key,), lambda rows, body=body: Effects(writes=((key, body),)))  # type: ignore[misc]
            return engine.metrics()["file_bytes"]

        await write(10)
        snapshot = engine.snapshot()
        grown = await write(30)
        snapshot.release()
        assert await write(30) <= grown
        await engine.close()

    asyncio.run(look())


def test_a_snapshot_that_comes_late_is_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Late:
        begun = 0

        def begin(self) -> "Late":
            Late.begun += 1
            return self

        def get(self, key: bytes) -> None:
            if Late.begun < 3:
                raise lmdb.CorruptedError("late")

        def abort(self) -> None:
            return

        cursor = None

    from statordb.engine.lmdb.keys import digest
    from statordb.engine.lmdb.snapshot import Snapshot

    Snapshot(Late(), 1, digest)  # type: ignore[arg-type]
    assert Late.begun == 3
