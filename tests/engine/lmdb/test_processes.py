"""Several processes on one store, and processes that die. Real ones: locks and shared memory are what is tested."""

import random
import subprocess
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.pace import HANGS_SECONDS

from statordb.engine.contract import Bounds, Effects, Key, PageBudget, Usage
from statordb.engine.lmdb import LmdbEngine

Run = Callable[[Coroutine[Any, Any, Any]], Any]
Start = Callable[..., "subprocess.Popen[str]"]

AMPLE = PageBudget(100_000, 1 << 30)


@pytest.mark.slow
def test_processes_that_open_a_new_store_at_once_lose_no_increment(directory: Path, start: Start, run: Run) -> None:
    processes = [start("increment.py", directory, 30) for _ in range(3)]
    assert [process.wait(HANGS_SECONDS) for process in processes] == [0, 0, 0]
    engine = LmdbEngine.open(directory)
    total = 3 * 4 * 30
    (row,) = run(engine.read([Key(1, b"counter", b"")]))
    assert int(row.body) == total
    changes = run(engine.log(1, b"", 0, PageBudget(2 * total, 1 << 20)))
    assert [int(change.body) for change in changes] == list(range(1, total + 1))
    assert run(engine.usage(1)) == Usage(total, 10 * total)
    run(engine.close())


@pytest.mark.slow
def test_the_epoch_tells_of_other_processes(directory: Path, start: Start, run: Run) -> None:
    engine = LmdbEngine.open(directory, durable=False)
    epochs = [engine.epoch()]
    other = start("announce.py", directory)
    assert other.stdin is not None
    assert other.stdout is not None
    for _ in range(4):
        told = int(other.stdout.readline())  # the first time, of the opening alone
        assert engine.epoch() == told
        epochs.append(told)
        other.stdin.write("go\n")
        other.stdin.flush()
    other.stdin.close()
    assert other.wait(HANGS_SECONDS) == 0
    own = Key(1, b"own", b"")
    run(engine.update([own], lambda stored: Effects([(own, b"x")], announce=True)))
    epochs.append(engine.epoch())
    assert len(set(epochs)) == len(epochs)
    run(engine.close())


@pytest.mark.slow
def test_a_killed_process_loses_and_tears_nothing(tmp_path: Path, start: Start, run: Run) -> None:
    """On a real disk with its fsyncs, killed at any place of a batch; the next round goes on in the same store."""
    directory = tmp_path / "store"
    dice = random.Random(7)
    acknowledged: dict[bytes, bytes] = {}
    for _ in range(3):
        process = start("write_until_killed.py", directory)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(dice.randint(50, 400))]
        process.kill()
        for line in lines + process.stdout.readlines():
            if line.endswith("\n"):  # the last may have been cut off
                slot, number = line.split()
                acknowledged[slot.encode()] = number.encode()
        process.wait(HANGS_SECONDS)
        engine = LmdbEngine.open(directory)
        check_slots(engine, run, acknowledged)
        run(engine.close())


def check_slots(engine: LmdbEngine, run: Run, acknowledged: dict[bytes, bytes]) -> None:
    left = run(engine.range(1, b"left", Bounds(), True, AMPLE)).rows
    right = run(engine.range(1, b"right", Bounds(), True, AMPLE)).rows
    assert [(row.sort, row.body) for row in left] == [(row.sort, row.body) for row in right]
    numbers = {row.sort: row.body for row in left}
    assert all(numbers[slot] >= number for slot, number in acknowledged.items())
    index = run(engine.scan(2, 0, 1, AMPLE)).rows
    assert sorted(row.sort for row in index) == sorted(number + b"/" + slot for slot, number in numbers.items())
