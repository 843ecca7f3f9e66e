"""What `statordb backup verify` and `statordb restore` refuse, and what they do about damage, and an end in between."""

import shutil
from pathlib import Path

import pytest
from tests.archive.backed_up import check_whole, items
from tests.in_process import Api
from tests.server.whole.lost_store import Told, backed_up, lost, made, moment_of, restored, run, small

from statordb.archive.whole import restoring
from statordb.crypto.file_keys import FileKeys
from statordb.server.settings import EXIT_BAD_START


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "place"


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return made(tmp_path / "data")


def refused(told: Told, code: int, *parts: str) -> None:
    assert told[0] == code, told
    assert told[1].count("statordb: ") == 1
    for part in parts:
        assert part in told[1]


def damage(place: Path, part: str) -> str:
    """Change a byte in the middle of an object; its name."""
    (path,) = [each for each in place.rglob("*") if each.is_file() and part in each.name]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    return path.name


def test_another_machines_keys(api: Api, tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backed_up(api, place, capsys)
    lost(api)
    FileKeys(tmp_path, name="other.json").wrap(bytes(32))
    keys = tmp_path / "other.json"
    said = f"is another store's than the root keys of {keys}"
    refused(restored(place, keys, tmp_path / "new", capsys), 1, said)
    assert not (tmp_path / "new").exists()
    refused(run(capsys, "backup", "verify", place, "--keys", keys), 1, said)


def test_a_place_that_has_something(api: Api, tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backed_up(api, place, capsys)
    keys = lost(api)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / ".keys.json.1").touch()  # of one that was ended
    (tmp_path / "full" / "a").touch()
    refused(restored(place, keys, tmp_path / "full", capsys), EXIT_BAD_START, "is not empty (it has a)")
    assert restored(place, keys, tmp_path / "new", capsys)[0] == 0
    refused(restored(place, keys, tmp_path / "new", capsys), EXIT_BAD_START, "There is a store in")
    refused(restored(place, keys, tmp_path / "new" / "data.mdb", capsys), EXIT_BAD_START, "is not a directory")


def test_places_and_keys_that_are_not_there(
    api: Api, tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = lost(api)
    refused(restored(place, keys, tmp_path / "new", capsys), 1, f"There is no archive of a store in {place}.")
    refused(restored(place, tmp_path / "no", tmp_path / "new", capsys), EXIT_BAD_START, "There is no key file")
    refused(run(capsys, "restore", "--from", place, "--data", tmp_path / "new"), EXIT_BAD_START, "Name the root key")
    refused(run(capsys, "restore", "--from", "ftp://x", "--keys", keys), EXIT_BAD_START, "ftp://x")
    refused(run(capsys, "backup", place, "--data", tmp_path / "new"), EXIT_BAD_START, "There is no store in")
    refused(run(capsys, "backup", "verify", place, "more"), EXIT_BAD_START, "Say where to")


def test_places_that_can_not_be_written_or_read(
    api: Api, tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place.touch()
    refused(backed_up(api, place, capsys), 1, f"The objects in {place} can't be used")
    keys = lost(api)
    refused(restored(place, keys, tmp_path / "new", capsys), 1, f"in {place}")
    assert not (tmp_path / "new").exists()
    away = "s3://bucket/prefix?endpoint=http://127.0.0.1:9&region=us-east-1"
    credentials = tmp_path / "credentials"
    credentials.write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    told = run(capsys, "restore", "--from", away, "--keys", keys, "--credentials", credentials)
    refused(told, 1, f"The objects in {away} can't be used")


def test_a_moment_that_is_not_there(api: Api, tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backed_up(api, place, capsys)
    refused(restored(place, lost(api), tmp_path / "new", capsys, "--at", "x"), 1, "has no moment x")


def test_an_archive_that_is_whole_is_verified(
    api: Api, tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = moment_of(backed_up(api, place, capsys)[1])
    second = moment_of(backed_up(api, place, capsys)[1])
    code, told = run(capsys, "backup", "verify", place, "--keys", lost(api))
    assert code == 0, told
    for moment in (first, second):
        assert f"{moment}: all 1 tables and all else can be restored as of" in told
    assert "(300 items)" in told


def test_a_table_whose_object_is_damaged_is_told_and_all_others_come_back(
    api: Api, tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api("CreateTable", **small("aaa"))
    api("PutItem", TableName="aaa", Item={"p": {"S": "x"}})
    before = items(api)
    backed_up(api, place, capsys)
    keys, name = lost(api), damage(place, "table-000000")
    code, told = run(capsys, "backup", "verify", place, "--keys", keys)
    assert code == 1
    assert "1 of 2 tables and all else can be restored" in told
    assert name in told
    code, told = restored(place, keys, tmp_path / "new", capsys)
    assert code == 1
    assert "table/aaa is not restored: Damaged: " in told
    assert name in told
    again = Api(tmp_path / "new")
    again.keep()
    assert again("ListTables")["TableNames"] == ["abc"]
    check_whole(again, "abc", before)
    again.close()


@pytest.mark.parametrize("part", ["system-000000", "manifest"])
def test_without_the_stores_own_rows_nothing_comes_back(
    api: Api, tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str], part: str
) -> None:
    moment = moment_of(backed_up(api, place, capsys)[1])
    keys, name = lost(api), damage(place, moment if part == "manifest" else part)
    code, told = run(capsys, "backup", "verify", place, "--keys", keys)
    assert code == 1
    assert f"{moment}: can't be restored: Damaged: " in told
    refused(restored(place, keys, tmp_path / "new", capsys), 1, "is damaged, and can't be restored", name)


def test_who_was_ended_begins_again(
    api: Api,
    tmp_path: Path,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At every update of items, one after the other; nobody else uses what is there until then."""
    before = items(api)
    moment = moment_of(backed_up(api, place, capsys)[1])
    backed_up(api, place, capsys)
    keys, new = lost(api), tmp_path / "new"
    load, left = restoring.load, [0]

    class Ended(Exception):
        pass

    async def ending(*arguments: object) -> bool:
        if not left[0]:
            raise Ended
        left[0] -= 1
        return await load(*arguments)  # type: ignore[arg-type]

    for updates in range(3):
        left[0] = updates
        with monkeypatch.context() as patched:
            patched.setattr(restoring, "load", ending)
            with pytest.raises(Ended):
                restored(place, keys, new, capsys, "--at", moment)
        refused(run(capsys, "verify", "--data", new), EXIT_BAD_START, "The store is not whole", "Run it again.")
    refused(restored(place, keys, new, capsys), EXIT_BAD_START, f"use --at {moment}")
    assert restored(place, keys, new, capsys, "--at", moment)[0] == 0
    again = Api(new)
    again.keep()
    check_whole(again, "abc", before)
    again.close()
    shutil.rmtree(new)
