from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.iam_api.iam_kit import IamKit


@pytest.fixture
def kit(directory: Path, tmp_path: Path) -> Iterator[IamKit]:
    made = IamKit(directory, tmp_path)
    yield made
    made.close()
    assert not made.faults
