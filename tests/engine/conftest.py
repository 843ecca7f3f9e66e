"""What tests of engines share: a directory, in memory where the machine has that, and a loop to run coroutines in."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

MEMORY = Path("/dev/shm")

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory that does not exist yet, on tmpfs if there is one."""
    if not MEMORY.is_dir():
        yield tmp_path / "store"
        return
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="statordb-test-") as made:
        yield Path(made) / "store"


@pytest.fixture
def run() -> Iterator[Run]:
    with asyncio.Runner() as runner:
        yield runner.run
