"""The audit log's files: chained, bounded, rotated, and judged by `verify`."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.pace import until

from statordb.server.audit import chain
from statordb.server.audit.trail import Trail
from statordb.server.main import main


def written(directory: Path, records: list[dict[str, Any]], name: str = "worker0", **options: Any) -> None:
    trail = Trail(directory, name, **options)
    trail.start()
    for record in records:
        trail.put(lambda record=record: record)  # type: ignore[misc]
    trail.close()


def records(directory: Path) -> list[dict[str, Any]]:
    files = chain.files_of(directory).get("worker0", [])
    return [json.loads(line) for path in files for line in path.read_bytes().splitlines()]


def test_lines_are_chained_over_files_and_restarts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "audit"
    for start in (0, 10):
        written(directory, [{"n": start + number} for number in range(10)])
    first, second = records(directory)[:10], records(directory)[10:]
    assert [record["n"] for record in first + second[1:]] == list(range(20))
    assert second[0]["after"] == first[-1]["chain"], "the second file says what it goes on with"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    assert main(["audit", "verify", str(directory)]) == 0
    end = records(directory)[-1]["chain"]
    assert capsys.readouterr().out == f"worker0: 21 entries in 2 files, ending with {end}\n"


def test_a_full_file_is_followed_by_another(tmp_path: Path) -> None:
    trail = Trail(tmp_path, "worker0", 1)
    trail.start()
    for number in range(3):
        trail.put(lambda number=number: {"n": number})  # type: ignore[misc]
        until(lambda: records(tmp_path)[-1:] and records(tmp_path)[-1]["n"] == number, "it is written")  # noqa: B023
    trail.close()
    assert len(chain.files_of(tmp_path)["worker0"]) == 3
    assert main(["audit", "verify", str(tmp_path)]) == 0


@pytest.mark.parametrize("fault", ["changed", "taken out", "put in", "swapped", "no file"])
def test_what_is_not_as_it_was_written_is_found(tmp_path: Path, fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        written(tmp_path, [{"n": number} for number in range(4)])
    files = chain.files_of(tmp_path)["worker0"]
    lines = files[1].read_bytes().splitlines(keepends=True)
    if fault == "changed":
        lines[2] = lines[2].replace(b'"n":1', b'"n":7')
    elif fault == "taken out":
        del lines[2]
    elif fault == "put in":
        lines.insert(1, lines[1])
    elif fault == "swapped":
        lines[1], lines[2] = lines[2], lines[1]
    files[1].write_bytes(b"".join(lines))
    if fault == "no file":
        files[1].unlink()
    assert main(["audit", "verify", str(tmp_path)]) == 1
    assert "broken at" in capsys.readouterr().out


def ends(directory: Path) -> list[str]:
    """The last hash of each file."""
    return [json.loads(path.read_bytes().splitlines()[-1])["chain"] for path in chain.files_of(directory)["worker0"]]


def test_old_files_may_be_moved_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is left is judged, and tells what it goes on with: the end of what was moved."""
    for number in range(3):
        written(tmp_path, [{"n": number}])
    first, second, third = ends(tmp_path)
    for path in chain.files_of(tmp_path)["worker0"][:2]:
        path.unlink()
    assert main(["audit", "verify", str(tmp_path)]) == 0
    told = f"worker0: 2 entries in 1 files, ending with {third}; it begins with file 3, after {second}\n"
    assert capsys.readouterr().out == told
    assert main(["audit", "verify", str(tmp_path), "--known", f"worker0={second}"]) == 0
    assert main(["audit", "verify", str(tmp_path), "--known", f"worker0={third}"]) == 0
    assert main(["audit", "verify", str(tmp_path), "--known", f"worker0={first}"]) == 1
    assert main(["audit", "verify", str(tmp_path), "--known", f"worker1={second}"]) == 1
    assert main(["audit", "verify", str(tmp_path), "--known", second]) == 2


def test_a_file_of_before_that_names_no_hash_is_judged_by_one_that_was_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = chain.linked(chain.START, b'{"n":0}')[1]
    line, last = chain.linked(before, b'{"n":1}')
    other, _ = chain.linked(last, b'{"n":2}')
    chain.path_of(tmp_path, "worker0", 7).write_bytes(line + other)
    assert main(["audit", "verify", str(tmp_path)]) == 0
    assert "its first line is taken as it is" in capsys.readouterr().out
    assert main(["audit", "verify", str(tmp_path), "--known", f"worker0={before}"]) == 0
    assert f"it begins with file 7, after {before}" in capsys.readouterr().out
    chain.path_of(tmp_path, "worker0", 7).write_bytes(line.replace(b"1", b"9", 1) + other)
    assert main(["audit", "verify", str(tmp_path), "--known", f"worker0={before}"]) == 1


def test_an_end_that_was_cut_off_shows_beside_a_hash_that_was_noted(tmp_path: Path) -> None:
    written(tmp_path, [{"n": number} for number in range(3)])
    known = f"worker0={ends(tmp_path)[0]}"
    (path,) = chain.files_of(tmp_path)["worker0"]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    assert main(["audit", "verify", str(tmp_path)]) == 0
    assert main(["audit", "verify", str(tmp_path), "--known", known]) == 1


def test_a_line_that_a_crash_cut_short_is_none(tmp_path: Path) -> None:
    written(tmp_path, [{"n": 0}, {"n": 1}])
    (path,) = chain.files_of(tmp_path)["worker0"]
    path.write_bytes(path.read_bytes() + b'{"n":2,"chai')
    written(tmp_path, [{"n": 2}])
    assert main(["audit", "verify", str(tmp_path)]) == 0


def test_an_empty_log_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", str(tmp_path)]) == 2
    assert main(["audit", "verify", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_a_disk_that_takes_nothing_is_known_and_told_of_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trail = Trail(tmp_path, "worker0")
    trail.start()
    real, is_full = os.write, [True]

    def write(descriptor: int, data: bytes) -> int:
        if is_full[0] and descriptor == trail._descriptor:
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    for number in range(3):  # what is told of the loss is lost too, and is not to be forgotten
        trail.put(lambda number=number: {"n": number})  # type: ignore[misc]
        until(lambda: trail._dropped == number + 1, "it is known")  # noqa: B023
    assert trail.is_lost
    is_full[0] = False
    trail.wake()
    until(lambda: not trail.is_lost, "it is written again")
    trail.put(lambda: {"n": 1})
    trail.close()
    assert [(record.get("n"), record.get("count")) for record in records(tmp_path)] == [(None, 3), (1, None)]
    assert main(["audit", "verify", str(tmp_path)]) == 0


def test_strangers_leave_room_in_the_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statordb.server.audit.trail.QUEUED_MAX", 4)
    monkeypatch.setattr("statordb.server.audit.trail.STRANGERS_QUEUED_MAX", 2)
    trail = Trail(tmp_path, "worker0")  # which is not started yet: nothing is taken from the queue
    for _ in range(9):
        trail.put(lambda: {"who": "stranger"}, True)
    assert not trail.is_lost
    trail.put(lambda: {"who": "client"})
    trail.start()
    trail.close()
    told = records(tmp_path)
    assert [record.get("who") for record in told] == ["stranger", "stranger", "client", None]
    assert told[-1]["count"] == 7
