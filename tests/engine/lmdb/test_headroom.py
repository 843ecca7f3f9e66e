"""The file has room ready behind its last page, and nothing depends on it."""

import errno
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.pace import HANGS_SECONDS

from statordb.engine.contract import Effects, Key
from statordb.engine.lmdb import headroom
from statordb.engine.lmdb.engine import LmdbEngine

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def fill(engine: LmdbEngine, run: Run, rows: int) -> None:
    for number in range(rows):
        key = Key(1, b"%d" % number, b"")
        run(engine.update([key], lambda stored, key=key: Effects([(key, b"x" * 3000)])))


def room(engine: LmdbEngine, directory: Path) -> int:
    """Bytes of the file behind its last page."""
    return int((directory / "data.mdb").stat().st_size - engine.metrics()["file_bytes"])


def test_the_file_is_lengthened_a_piece_at_a_time(tmp_path: Path, run: Run) -> None:
    engine = LmdbEngine.open(tmp_path)
    sizes = set()
    for _ in range(10):
        fill(engine, run, 30)
        sizes.add((tmp_path / "data.mdb").stat().st_size)
        assert room(engine, tmp_path) >= headroom.LEFT_BYTES_MIN - 100_000  # a commit may have used some of it
    assert len(sizes) <= 5
    run(engine.close())
    again = LmdbEngine.open(tmp_path)
    assert run(again.read([Key(1, b"29", b"")]))[0].body == b"x" * 3000
    run(again.close())


def test_two_processes_engines_do_not_write_over_each_other(tmp_path: Path, start: Any, run: Run) -> None:
    processes = [start("increment.py", tmp_path, 60) for _ in range(2)]
    assert [process.wait(HANGS_SECONDS) for process in processes] == [0, 0]
    engine = LmdbEngine.open(tmp_path)
    assert int(run(engine.read([Key(1, b"counter", b"")]))[0].body) == 2 * 4 * 60
    run(engine.close())


def test_a_store_in_memory_has_none(directory: Path, run: Run) -> None:
    engine = LmdbEngine.open(directory, durable=False)
    fill(engine, run, 10)
    assert room(engine, directory) <= 0
    run(engine.close())


def test_a_disk_that_has_no_more_is_found_by_the_commit(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space left")

    engine = LmdbEngine.open(tmp_path)
    monkeypatch.setattr(os, "pwrite", full)
    fill(engine, run, 100)  # LMDB's own writes still find room here
    assert run(engine.read([Key(1, b"99", b"")]))[0] is not None
    run(engine.close())
