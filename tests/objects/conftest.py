"""Every place that objects can be in, for the tests of what all have in common."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.moto_server import REGION, MotoServer

from statordb.objects.contract import Bucket, Objects
from statordb.objects.directory import DirectoryObjects
from statordb.objects.place import S3Place
from statordb.objects.s3 import S3Objects

BUCKET = "others"


@pytest.fixture(scope="session")
def moto() -> Iterator[MotoServer]:
    server = MotoServer()
    yield server
    server.close()


@pytest.fixture
def place(moto: MotoServer) -> S3Place:
    """A new bucket, and what is the server's own there."""
    name = f"bucket-{uuid.uuid4().hex}"
    moto.client("s3").create_bucket(Bucket=name)
    return S3Place(name, "server/one/", moto.url, REGION)


class OwnBuckets(S3Objects):
    """Where each test has a bucket of its own behind the name that all use."""

    def bucket(self, name: str, owner: str = "") -> Bucket:
        return super().bucket(f"{self._place.bucket}-{name}" if name == BUCKET else name, owner)


@pytest.fixture(params=["directory", pytest.param("s3", marks=pytest.mark.slow)])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """A place with one bucket of others."""
    if request.param == "directory":
        (tmp_path / BUCKET).mkdir()
        return DirectoryObjects(tmp_path)
    place = request.getfixturevalue("place")
    request.getfixturevalue("moto").client("s3").create_bucket(Bucket=f"{place.bucket}-{BUCKET}")
    return OwnBuckets(place)


@pytest.fixture(params=["own", "others"])
def bucket(request: pytest.FixtureRequest, objects: Objects) -> Bucket:
    """The server's own, and one of others."""
    return objects.own if request.param == "own" else objects.bucket(BUCKET)
