"""Every place that objects can be in, for the tests of what all have in common."""

from pathlib import Path

import pytest

from statordb.objects.contract import Bucket, Objects
from statordb.objects.directory import DirectoryObjects

BUCKET = "others"


@pytest.fixture(params=["directory"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """A place with one bucket of others."""
    (tmp_path / BUCKET).mkdir()
    return DirectoryObjects(tmp_path)


@pytest.fixture(params=["own", "others"])
def bucket(request: pytest.FixtureRequest, objects: Objects) -> Bucket:
    """The server's own, and one of others."""
    return objects.own if request.param == "own" else objects.bucket(BUCKET)
