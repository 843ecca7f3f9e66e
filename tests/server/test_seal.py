"""Servers of one store must have the same root keys: what one seals, all others open."""

import asyncio
import json
import shutil
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.engine.sealed import open_lmdb

from statordb.crypto.file_keys import FILE_NAME, FileKeys
from statordb.engine.contract import Effects, Key
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.server import sealing
from statordb.server.composition import open_store
from statordb.server.main import main
from statordb.server.settings import BadStart, Settings
from statordb.store.sealed.engine import SealedEngine

KEY = Key(5, b"partition", b"")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[LmdbEngine]:
    (tmp_path / "store").mkdir()
    engine = open_lmdb(tmp_path / "store")
    yield engine
    run(engine.close())


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def server(tmp_path: Path, name: str) -> Path:
    directory = tmp_path / name
    directory.mkdir()
    return directory


async def come(engine: LmdbEngine, directory: Path, body: bytes | None = None) -> bytes | None:
    """A server with the keys of a directory opens the store, writes a row or none, and reads it."""
    roots = sealing.roots_of(Settings(), directory)
    with sealing.told_of_keys():
        sealed = await sealing.sealed(engine, roots)
        if body is not None:
            await sealed.update((KEY,), lambda stored: Effects(writes=((KEY, body),)))
        found = await sealed.get(KEY)
        return None if found is None else found.body


def test_the_first_server_decides_and_comes_in_again(engine: LmdbEngine, tmp_path: Path) -> None:
    one = server(tmp_path, "one")
    run(come(engine, one, b"kept"))
    assert (one / FILE_NAME).exists()
    assert run(come(engine, one)) == b"kept"


def test_a_server_with_a_copy_of_the_file_comes_in_also_after_a_rotation(engine: LmdbEngine, tmp_path: Path) -> None:
    one, two = server(tmp_path, "one"), server(tmp_path, "two")
    run(come(engine, one, b"kept"))
    FileKeys(one).rotate()
    shutil.copy(one / FILE_NAME, two)
    assert run(come(engine, two)) == b"kept"


def test_a_server_without_the_file_is_refused_and_makes_none(engine: LmdbEngine, tmp_path: Path) -> None:
    """One that it made would only be one more, and hide what is wrong."""
    run(come(engine, server(tmp_path, "one")))
    two = server(tmp_path, "two")
    with pytest.raises(BadStart, match="there is no key file"):
        run(come(engine, two))
    assert not (two / FILE_NAME).exists()


def test_a_server_with_another_file_is_refused(engine: LmdbEngine, tmp_path: Path) -> None:
    run(come(engine, server(tmp_path, "one")))
    two = server(tmp_path, "two")
    FileKeys(two).wrap(bytes(32))
    with pytest.raises(BadStart, match="the master key is not known"):
        run(come(engine, two))


def test_servers_that_come_first_together_are_one_too_many(engine: LmdbEngine, tmp_path: Path) -> None:
    async def both() -> list[object]:
        directories = [server(tmp_path, name) for name in ("one", "two")]
        return await asyncio.gather(*(come(engine, each) for each in directories), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in run(both())) == ["BadStart", "NoneType"]


def test_a_damaged_file_is_told_of(engine: LmdbEngine, tmp_path: Path) -> None:
    one = server(tmp_path, "one")
    (one / FILE_NAME).write_text("{")
    with pytest.raises(BadStart, match="is damaged"):
        run(come(engine, one))


def test_keys_may_be_kept_apart_from_the_data(engine: LmdbEngine, tmp_path: Path) -> None:
    data, apart = server(tmp_path, "data"), server(tmp_path, "apart")
    assert sealing.roots_of(Settings(key_directory=apart), data).provider().wrap(bytes(32))
    assert (apart / FILE_NAME).exists()
    assert not (data / FILE_NAME).exists()
    with pytest.raises(BadStart, match="of key_directory is not there"):
        sealing.roots_of(Settings(key_directory=tmp_path / "none"), data)


def test_a_rotation_wraps_the_stores_keys_anew_and_who_runs_goes_on(tmp_path: Path, capsys: Any) -> None:
    async def history() -> SealedEngine:
        store = await open_store(tmp_path, Settings(data=tmp_path))
        engine = store.engine
        assert isinstance(engine, SealedEngine)
        await engine.update((KEY,), lambda stored: Effects(writes=((KEY, b"kept"),)))
        await store.close()
        return engine

    run(history())
    before = json.loads((tmp_path / FILE_NAME).read_text())
    assert main(["keys", "rotate", "--data", str(tmp_path)]) == 0
    assert "wrapped by the root key" in capsys.readouterr().out
    after = json.loads((tmp_path / FILE_NAME).read_text())
    assert after["current"] not in before["keys"]
    (tmp_path / FILE_NAME).write_text(
        json.dumps({**after, "keys": {after["current"]: after["keys"][after["current"]]}})
    )

    async def later() -> bytes:
        store = await open_store(tmp_path, Settings(data=tmp_path))
        found = await store.engine.get(KEY)
        await store.close()
        assert found is not None
        return found.body

    assert run(later()) == b"kept", "the old root key is not needed for it"


def test_a_rotation_needs_a_store(tmp_path: Path) -> None:
    assert main(["keys", "rotate", "--data", str(tmp_path / "none")]) == 2
