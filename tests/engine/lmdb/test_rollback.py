"""A store that is put back to a copy of it."""

import asyncio
from pathlib import Path

from statordb.engine.contract import Effects, Key, Refused, Stored
from statordb.engine.lmdb.engine import LmdbEngine


def put(key: Key, body: bytes | None):  # type: ignore[no-untyped-def]  # a plan
    return lambda rows: Effects(writes=((key, body),), tallies=((key.space, 1, 10),))


async def bodies(engine: LmdbEngine, keys: list[Key]) -> list[bytes | None]:
    return [None if row is None else row.body for row in await engine.read(keys)]


def test_rows_spaces_and_tallies_are_as_they_were_and_ids_go_on(tmp_path: Path) -> None:
    async def run() -> None:
        (tmp_path / "copy").mkdir()
        engine = LmdbEngine.open(tmp_path / "store", durable=False)
        space = await engine.create_space()
        stays, changes, goes, comes = (Key(space, partition, b"") for partition in (b"a", b"b", b"c", b"d"))
        left = Key(7, b"l", b"")
        for key in (stays, changes, goes, left):
            await engine.update((key,), put(key, b"then"))
        await engine.copy_to(tmp_path / "copy")
        epoch = engine.epoch()
        for key, body in ((changes, b"now"), (goes, None), (comes, b"now"), (left, b"now")):
            await engine.update((key,), put(key, body))
        later = await engine.create_space()
        await engine.drop_space(space)
        assert await engine.put_back(tmp_path / "copy", (7,)) > 0
        assert await bodies(engine, [stays, changes, goes, comes, left]) == [b"then", b"then", b"then", None, b"now"]
        assert (await engine.usage(space)).rows == 3
        assert await engine.spaces() == [space]
        assert not await engine.reclaim(100)  # it is not dropped any more
        assert await bodies(engine, [stays]) == [b"then"]
        assert engine.epoch() != epoch
        assert await engine.create_space() > later
        assert await engine.put_back(tmp_path / "copy", (7,)) == 1  # the space that has just been made
        await engine.close()

    asyncio.run(run())


def test_an_update_that_was_worked_out_before_is_worked_out_again(tmp_path: Path) -> None:
    async def run() -> None:
        (tmp_path / "copy").mkdir()
        engine = LmdbEngine.open(tmp_path / "store", durable=False)
        key = Key(await engine.create_space(), b"p", b"")

        def count(rows: list[Stored | None]) -> Effects | Refused:
            (row,) = rows
            return Effects(writes=((key, b"x" if row is None else row.body + b"x"),))

        await engine.update((key,), count)
        await engine.copy_to(tmp_path / "copy")
        await engine.update((key,), count)
        updates = [engine.update((key,), count) for _ in range(10)]
        *_, _ = await asyncio.gather(*updates[:5], engine.put_back(tmp_path / "copy"), *updates[5:])
        (body,) = await bodies(engine, [key])
        assert body is not None
        assert len(body) in range(6, 12)  # one, and those that came behind it
        await engine.close()

    asyncio.run(run())


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    async def run() -> None:
        (tmp_path / "copy").mkdir()
        engine = LmdbEngine.open(tmp_path / "store", durable=False)
        space = await engine.create_space()
        for number in range(50):
            key = Key(space, b"%d" % number, b"")
            await engine.update((key,), put(key, b"then"))
        await engine.copy_to(tmp_path / "copy")
        key = Key(space, b"7", b"")
        await engine.update((key,), put(key, b"now"))
        assert await engine.put_back(tmp_path / "copy") == 2  # the row, and the tally of its space
        await engine.close()

    asyncio.run(run())
