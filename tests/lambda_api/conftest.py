"""Lambda's API in process, on a store of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lambda_api.lambda_kit import Lambda


@pytest.fixture
def aws(directory: Path) -> Iterator[Lambda]:
    made = Lambda(directory)
    yield made
    made.close()
