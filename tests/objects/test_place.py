"""Where objects are, as the setting says."""

import subprocess
import sys
from pathlib import Path

import pytest

from statordb.objects.directory import DirectoryObjects
from statordb.objects.opening import open_objects
from statordb.objects.place import S3Place, place_of


def test_a_place_is_a_directory_or_a_bucket_with_a_prefix() -> None:
    assert place_of("objects") == Path("objects")
    assert place_of("/var/a b") == Path("/var/a b")
    assert place_of("s3://some-bucket") == S3Place("some-bucket")
    assert place_of(
        "s3://some-bucket/a/b%20c/?region=eu-west-1&endpoint=http://127.0.0.1:9000&style=virtual&ca=/ca"
    ) == (S3Place("some-bucket", "a/b c/", "http://127.0.0.1:9000", "eu-west-1", "virtual", "/ca"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "neither"),
        ("http://127.0.0.1:9000/bucket", "neither a directory nor s3"),
        ("s3://", "no bucket"),
        ("s3://Bucket", "no bucket"),
        ("s3://bucket:80", "no bucket"),
        ("s3://bucket/a/../b", "no bucket and prefix"),
        ("s3://bucket/" + "x" * 1025, "no bucket and prefix"),
        ("s3://key:secret@bucket", "credentials are a setting of their own"),
        ("s3://bucket?endpoint=ftp://x", "endpoint"),
        ("s3://bucket?endpoint=http://key:secret@x", "endpoint"),
        ("s3://bucket?region=EU", "region"),
        ("s3://bucket?style=other", "style"),
        ("s3://bucket?zone=a", "options"),
        ("s3://bucket?region=a&region=b", "options"),
        ("s3://bucket?region=", "options"),
        ("s3://bucket?region", "not an address"),
        ("s3://bucket#x", "neither"),
    ],
)
def test_what_is_no_place_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        open_objects(text)


def test_a_directory_is_not_touched_before_it_is_used(tmp_path: Path) -> None:
    assert isinstance(open_objects(str(tmp_path / "objects")), DirectoryObjects)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.slow
def test_botocore_is_not_imported_before_s3_is_used() -> None:
    code = (
        "import sys\nfrom statordb.objects.opening import open_objects\n"
        "open_objects('s3://some-bucket?endpoint=http://127.0.0.1:1').own\n"
        "print([name for name in ('botocore', 'boto3') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"
