"""A process that is killed has counted for nothing what it did since the last flush, and nothing else is lost or told
twice."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.store.kit import Kit

from statordb.metering.series import TABLE, WRITE_UNITS, Series, Subject

pytestmark = pytest.mark.slow  # real processes

LIVES = 2
SUBJECT = Subject("000000000000", "us-east-1", TABLE, "orders", "id")
PROGRAM = """
import asyncio, sys
from pathlib import Path
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.metering.series import Subject
from statordb.model.clock import SystemClock
from statordb.store.store import Store

async def main():
    store = Store(LmdbEngine.open(Path(sys.argv[1]), durable=True), SystemClock())
    tap = store.taps.of(Subject(*sys.argv[2:]))
    for flushes in range(3):
        for _ in range(100):
            tap.write(1)
        await store.flushing.flush()
    for _ in range(50):
        tap.write(1)
    print("counted", flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


def test_what_was_flushed_is_there_after_a_kill(directory: Path) -> None:
    """Also that of a process that was killed before; each has a name of its own."""
    for _ in range(LIVES):
        arguments = [sys.executable, "-c", PROGRAM, str(directory), *SUBJECT]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"counted\n"
            process.kill()
    kit = Kit(directory)
    found = kit.run(kit.store.ledger.total(SUBJECT))
    assert found[Series(WRITE_UNITS, kind="standard")].sum == LIVES * 300
    kit.close()
