"""A store of a test's own behind Application Auto Scaling's API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.scaling_api.scaling_kit import Scaling


@pytest.fixture
def scaling(tmp_path: Path) -> Iterator[Scaling]:
    made = Scaling(tmp_path)
    yield made
    made.close()
