"""The whole API in process, on a store of its own for each test."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.in_process import Api


@pytest.fixture
def directory() -> Iterator[Path]:
    parent = "/dev/shm" if Path("/dev/shm").is_dir() else None
    path = Path(tempfile.mkdtemp(prefix="statordb-test-", dir=parent))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def api(directory: Path) -> Iterator[Api]:
    made = Api(directory)
    yield made
    made.close()
    made.loop.close()
