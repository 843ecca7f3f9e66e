"""The objects of a server, by its settings, sealed under the keys of its store."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.engine.sealed import open_lmdb
from tests.objects.kit import chunks, whole

from statordb.crypto.file_keys import FileKeys
from statordb.crypto.object_keys import ObjectKeys
from statordb.crypto.roots import Roots
from statordb.objects.directory import DirectoryObjects
from statordb.objects.s3 import S3Objects
from statordb.objects.sealed import SealedBucket
from statordb.server import sealing
from statordb.server.objects import FOLDER, archives, objects_of, sealed_objects_of
from statordb.server.settings import BadStart, Settings, load


@pytest.mark.parametrize(
    ("given", "archived"),
    [
        ({}, False),
        ({"objects": "s3://bucket/prefix"}, True),
        ({"objects": "/elsewhere"}, True),
        ({"objects": "data/objects"}, False),
        ({"objects": "/elsewhere", "archive": "off"}, False),
        ({"archive": "on"}, True),
        ({"objects": "/elsewhere", "memory": True}, False),
    ],
)
def test_the_store_is_archived_where_objects_are_not_lost_with_it(given: dict[str, Any], archived: bool) -> None:
    assert archives(Settings(data=Path("data"), **given)) is archived


def test_without_a_setting_they_are_in_the_data_directory(tmp_path: Path) -> None:
    objects = objects_of(Settings(), tmp_path)
    assert isinstance(objects, DirectoryObjects)
    assert [*tmp_path.iterdir()] == []
    asyncio.run(objects.own.put("a", chunks(b"x")))
    assert [path.name for path in tmp_path.iterdir()] == [FOLDER]


def test_the_setting_says_where_they_are(tmp_path: Path) -> None:
    named = load({"objects": str(tmp_path / "named")}, {})
    assert isinstance(objects_of(named, tmp_path), DirectoryObjects)
    environment = {
        "STATORDB_OBJECTS": "s3://some-bucket/prefix?endpoint=http://127.0.0.1:9000",
        "STATORDB_OBJECTS_CREDENTIALS": "/etc/statordb/s3",
    }
    assert isinstance(objects_of(load({}, environment), tmp_path), S3Objects)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"STATORDB_OBJECTS": "ftp://x"}, "is neither a directory nor s3://BUCKET/PREFIX"),
        ({"STATORDB_OBJECTS": "s3://a:b@bucket"}, "credentials are a setting of their own"),
        ({"STATORDB_OBJECTS": "/x", "STATORDB_OBJECTS_CREDENTIALS": "/y"}, "objects_credentials is for objects in S3"),
        ({"STATORDB_OBJECTS_CREDENTIALS": "/y"}, "objects_credentials is for objects in S3"),
    ],
)
def test_a_setting_that_is_no_place_is_refused(environment: dict[str, str], told: str) -> None:
    with pytest.raises(BadStart, match=told):
        load({}, environment)


def test_a_store_that_is_lost_leaves_objects_that_open_with_the_root_key_alone(tmp_path: Path) -> None:
    """Also after its keys have been rotated."""
    (data := tmp_path / "data").mkdir()
    saved = tmp_path / "saved"
    objects = DirectoryObjects(tmp_path / "elsewhere")

    async def live() -> None:
        under = open_lmdb(data)
        roots = Roots("file", {"file": lambda: FileKeys(data)})
        engine = await sealing.sealed(under, roots)
        try:
            await sealed_objects_of(objects, engine).put("a", chunks(b"before"))
            FileKeys(data).rotate()
            await engine.ring.rotate()
            await sealed_objects_of(objects, engine).put("b", chunks(b"after"))
        finally:
            await under.close()

    async def restore() -> None:
        own = SealedBucket(objects.own, ObjectKeys(Roots("file", {"file": lambda: FileKeys(tmp_path, name="saved")})))
        assert await whole(own.get("a")) == b"before"
        assert await whole(own.get("b")) == b"after"

    asyncio.run(live())
    (data / "keys.json").rename(saved)
    asyncio.run(restore())
