"""A store of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store.kit import Kit


@pytest.fixture
def kit(directory: Path) -> Iterator[Kit]:
    made = Kit(directory)
    yield made
    made.close()
