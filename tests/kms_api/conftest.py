"""A store of a test's own behind KMS's API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kms_api.kms_kit import Kms


@pytest.fixture
def kms(tmp_path: Path) -> Iterator[Kms]:
    made = Kms(tmp_path)
    yield made
    made.close()
