"""Lambda's API in process, on a store of its own for each test."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.functions.lambda_kit import Lambda


@pytest.fixture
def directory() -> Iterator[Path]:
    parent = "/dev/shm" if Path("/dev/shm").is_dir() else None
    path = Path(tempfile.mkdtemp(prefix="statordb-test-", dir=parent))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def aws(directory: Path) -> Iterator[Lambda]:
    made = Lambda(directory)
    yield made
    made.close()
