"""`statordb cluster check` tells whether the objects of servers are in one place."""

import asyncio
import os
import socket
from pathlib import Path

import pytest
from tests.ports import Port

from statordb.server import cluster_objects
from statordb.server.cluster_findings import Finding, Grade
from statordb.server.settings import Settings


def look(objects: str, host: str = "one", monkeypatch: pytest.MonkeyPatch | None = None) -> Finding:
    if monkeypatch is not None:
        monkeypatch.setattr(socket, "gethostname", lambda: host)
    (finding,) = asyncio.run(cluster_objects.look(Settings(engine="cassandra", objects=objects)))
    return finding


def test_a_directory_that_no_other_server_finds_is_warned_of() -> None:
    finding = look("")
    assert finding.grade is Grade.WARNING
    assert finding.text.startswith("objects is not set: ")


def test_machines_see_each_others_marks_where_the_directory_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = str(tmp_path)
    first = look(shared, "one", monkeypatch)
    assert (first.grade, "no other machine has left its mark" in first.text) == (Grade.WARNING, True)
    assert look(shared, "two.example", monkeypatch).text == f"Objects in {shared} are written and read, also by one."
    again = look(shared, "one", monkeypatch)
    assert again == Finding(Grade.OK, f"Objects in {shared} are written and read, also by two-example.")
    assert look(shared, "one", monkeypatch) == again  # it does not count itself
    for mark in (tmp_path / "_store" / "checks" / "statordb").iterdir():
        os.utime(mark, (0, 0))
    assert look(shared, "three", monkeypatch).grade is Grade.WARNING
    assert [mark.name for mark in (tmp_path / "_store" / "checks" / "statordb").iterdir()] == ["three"]


def test_a_place_that_can_not_be_used_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    finding = look(str(tmp_path / "file"))
    assert finding.grade is Grade.PROBLEM
    assert finding.text.startswith(f"The objects in {tmp_path / 'file'} can't be used (")


@pytest.mark.slow
def test_s3_that_is_away_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    with Port() as nobody:
        finding = look(f"s3://some-bucket?endpoint=http://127.0.0.1:{nobody}")
    assert finding.grade is Grade.PROBLEM
    assert f"http://127.0.0.1:{nobody} can't be reached" in finding.text


def test_s3_is_shared_unless_it_is_on_this_machine() -> None:
    for place, is_shared in (
        ("s3://bucket", True),
        ("s3://bucket?endpoint=https://203.0.113.1", True),
        ("s3://bucket?endpoint=http://127.0.0.1:9000", False),
        ("/some/directory", False),
    ):
        assert cluster_objects._is_shared_by_nature(place) is is_shared
