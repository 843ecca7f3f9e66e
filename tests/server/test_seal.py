"""Servers of one store must have the same master keys: what one seals, all others open."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from statordb.crypto.file_keys import FILE_NAME, FileKeys
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.server.cassandra import check_seal
from statordb.server.settings import BadStart


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[LmdbEngine]:
    (tmp_path / "store").mkdir()
    engine = LmdbEngine.open(tmp_path / "store", durable=False)
    yield engine
    asyncio.run(engine.close())


def server(tmp_path: Path, name: str) -> Path:
    directory = tmp_path / name
    directory.mkdir()
    return directory


def test_the_first_server_decides_and_comes_in_again(engine: LmdbEngine, tmp_path: Path) -> None:
    one = server(tmp_path, "one")
    asyncio.run(check_seal(engine, one))
    assert (one / FILE_NAME).exists()
    asyncio.run(check_seal(engine, one))


def test_a_server_with_a_copy_of_the_file_comes_in_also_after_a_rotation(engine: LmdbEngine, tmp_path: Path) -> None:
    one, two = server(tmp_path, "one"), server(tmp_path, "two")
    asyncio.run(check_seal(engine, one))
    FileKeys(one).rotate()
    shutil.copy(one / FILE_NAME, two)
    asyncio.run(check_seal(engine, two))


def test_a_server_without_the_file_is_refused_and_makes_none(engine: LmdbEngine, tmp_path: Path) -> None:
    """A file of its own would only be in the way of the copy."""
    one, two = server(tmp_path, "one"), server(tmp_path, "two")
    asyncio.run(check_seal(engine, one))
    with pytest.raises(BadStart, match="copy that file from a server"):
        asyncio.run(check_seal(engine, two))
    assert not (two / FILE_NAME).exists()


def test_a_server_with_another_file_is_refused(engine: LmdbEngine, tmp_path: Path) -> None:
    one, two = server(tmp_path, "one"), server(tmp_path, "two")
    FileKeys(two).rotate()
    asyncio.run(check_seal(engine, one))
    with pytest.raises(BadStart, match="sealed with other keys than those of"):
        asyncio.run(check_seal(engine, two))


def test_servers_that_come_first_together_are_one_too_many(engine: LmdbEngine, tmp_path: Path) -> None:
    one, two = server(tmp_path, "one"), server(tmp_path, "two")

    async def both() -> int:
        outcomes = await asyncio.gather(check_seal(engine, one), check_seal(engine, two), return_exceptions=True)
        return sum(isinstance(outcome, BadStart) for outcome in outcomes)

    assert asyncio.run(both()) == 1


def test_a_damaged_file_is_told_of(engine: LmdbEngine, tmp_path: Path) -> None:
    one = server(tmp_path, "one")
    (one / FILE_NAME).write_text("{}")
    with pytest.raises(BadStart, match="is damaged"):
        asyncio.run(check_seal(engine, one))
