"""A store of a test's own behind CloudWatch's API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cloudwatch_api.cloudwatch_kit import Watched


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.close()
