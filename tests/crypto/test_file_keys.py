"""Master keys in a file: made once, private, added to by rotation."""

import json
import logging
import stat
from pathlib import Path

import pytest

from statordb.crypto.file_keys import FileKeys, KeyFileUnusable
from statordb.crypto.sealer import Sealer, Unsealable


def test_the_file_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    sealed = Sealer(FileKeys(tmp_path)).seal(b"secret", b"place")
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert Sealer(FileKeys(tmp_path)).open(sealed, b"place") == b"secret"
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def test_nothing_is_made_before_it_is_needed(tmp_path: Path) -> None:
    FileKeys(tmp_path)
    assert not list(tmp_path.iterdir())


def test_rotation_seals_under_the_new_key_and_opens_under_the_old(tmp_path: Path) -> None:
    before = Sealer(FileKeys(tmp_path)).seal(b"old", b"")
    key_id = FileKeys(tmp_path).rotate()
    after = Sealer(FileKeys(tmp_path)).seal(b"new", b"")
    assert key_id.encode() in after
    assert key_id.encode() not in before
    reader = Sealer(FileKeys(tmp_path))
    assert (reader.open(before, b""), reader.open(after, b"")) == (b"old", b"new")


def test_a_key_that_another_process_added_is_found(tmp_path: Path) -> None:
    """A running worker has read the file before the rotation."""
    running = Sealer(FileKeys(tmp_path))
    running.seal(b"first", b"")
    FileKeys(tmp_path).rotate()
    assert running.open(Sealer(FileKeys(tmp_path)).seal(b"second", b""), b"") == b"second"


def test_a_link_is_followed_and_stays_one(tmp_path: Path) -> None:
    """Key files of several servers, and secrets that a system mounts, are links."""
    linked, apart = tmp_path / "data", tmp_path / "secrets"
    linked.mkdir()
    apart.mkdir()
    first = FileKeys(apart).rotate()
    (linked / "keys.json").symlink_to(apart / "keys.json")
    key_id = FileKeys(linked).rotate()
    assert (linked / "keys.json").is_symlink()
    assert json.loads((apart / "keys.json").read_text())["current"] == key_id
    assert first in json.loads((apart / "keys.json").read_text())["keys"]
    assert [path.name for path in apart.iterdir()] == ["keys.json"]


def test_a_link_to_nothing_is_refused_and_nothing_made(tmp_path: Path) -> None:
    """What it leads to may be mounted in a moment, with the key that the store needs."""
    (tmp_path / "keys.json").symlink_to(tmp_path / "apart.json")
    for ask in (lambda: FileKeys(tmp_path).wrap(bytes(32)), FileKeys(tmp_path).rotate):
        with pytest.raises(KeyFileUnusable, match="a link to a file that is not there"):
            ask()
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def test_values_of_another_directory_do_not_open(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    sealed = Sealer(FileKeys(tmp_path / "one")).seal(b"secret", b"")
    with pytest.raises(Unsealable):
        Sealer(FileKeys(tmp_path / "two")).open(sealed, b"")


def test_a_damaged_wrapped_key_is_seen(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path)
    key_id, wrapped = keys.wrap(bytes(32))
    for damaged in (wrapped[:-1] + bytes((wrapped[-1] ^ 1,)), b"", wrapped[:5]):
        with pytest.raises(Unsealable):
            keys.unwrap(key_id, damaged)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "{}",
        '{"format": 1, "current": "a", "keys": {}}',
        '{"format": 1, "current": "a", "keys": {"a": "AAAA"}}',
    ],
)
def test_a_damaged_file_is_told_in_one_sentence(tmp_path: Path, document: str) -> None:
    (tmp_path / "keys.json").write_text(document)
    with pytest.raises(KeyFileUnusable, match="is damaged"):
        FileKeys(tmp_path).wrap(bytes(32))


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps({"format": 2}))
    with pytest.raises(KeyFileUnusable, match="format 2"):
        FileKeys(tmp_path).wrap(bytes(32))


def test_a_file_that_others_can_read_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    FileKeys(tmp_path).wrap(bytes(32))
    (tmp_path / "keys.json").chmod(0o644)
    with caplog.at_level(logging.WARNING):
        FileKeys(tmp_path).wrap(bytes(32))
    assert "key file can be read by others" in caplog.messages
