"""The data directory: one server at a time, and nothing left behind in memory."""

import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from statordb.server import directory
from statordb.server.settings import BadStart


def test_a_directory_is_held_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "LOCK_WAIT_SECONDS", 0.0)
    held = directory.hold_data(tmp_path / "data")
    with pytest.raises(BadStart, match="Another server is running"):
        directory.hold_data(tmp_path / "data")
    held.release()
    directory.hold_data(tmp_path / "data").release()


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "data"):
        with pytest.raises(BadStart, match="is not a directory"):
            directory.hold_data(path)


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702])
def test_a_directory_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    """They could replace the keys and the data. Nothing is made in it."""
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(mode)
    with pytest.raises(BadStart, match=rf"may write to the data directory .*/data \(mode {mode:04o}\): make it 0700"):
        directory.hold_data(data)
    assert not list(data.iterdir())
    data.chmod(0o755)
    directory.hold_data(data).release()


@pytest.mark.parametrize("mode", [0o775, 0o2770])
def test_a_group_that_may_write_is_told(tmp_path: Path, mode: int, caplog: pytest.LogCaptureFixture) -> None:
    """A volume's group was given that. A user's own group, which a umask of 002 lets write, is nobody else."""
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(mode)
    directory.hold_data(data).release()
    others = [group for group in os.getgroups() if group != os.getgid()] or [4242] * (os.geteuid() == 0)
    caplog.clear()
    for group in others[:1]:
        os.chown(data, -1, group)
        data.chmod(mode)
        directory.hold_data(data).release()
        assert [record.message for record in caplog.records] == [
            "a group may write to the data directory, and so replace the keys and the data"
        ]


def test_a_users_own_group_is_known() -> None:
    root = pwd.getpwuid(0)
    assert directory._is_of_one(root.pw_gid, 0)
    assert not directory._is_of_one(4_000_000_000, 0)
    assert not directory._is_of_one(root.pw_gid, 65534)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    os.chown(data, 65534, -1)
    with pytest.raises(BadStart, match=r"belongs to another user \((nobody|65534)\), .* run this as that user"):
        directory.hold_data(data)
    os.chown(data, 0, -1)
    (tmp_path / "link").symlink_to(data)
    os.chown(tmp_path / "link", 65534, -1, follow_symlinks=False)
    with pytest.raises(BadStart, match="belongs to another user"):
        directory.hold_data(tmp_path / "link")


def test_a_directory_that_cannot_be_made() -> None:
    with pytest.raises(BadStart, match=r"can't be made|can't be written"):
        directory.hold_data(Path("/proc/statordb"))


def test_memory_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "MEMORY_ROOT", tmp_path)
    held = directory.hold_memory()
    assert held.path.parent == tmp_path
    held.release()
    assert not list(tmp_path.iterdir())


def test_what_functions_use_is_on_a_disk_and_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs may not run in memory; and who made the directory first would decide what runs."""
    monkeypatch.setattr(directory, "MEMORY_ROOT", tmp_path / "memory")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "disk"))
    for name in ("memory", "disk"):
        (tmp_path / name).mkdir()
    left = tmp_path / "disk" / f"statordb-{ended_pid()}-abc-functions"
    left.mkdir()
    held = directory.hold_memory()
    assert held.functions.parent == tmp_path / "disk"
    assert held.functions.stat().st_mode & 0o777 == 0o700
    assert not left.exists()
    held.release()
    assert not list((tmp_path / "disk").iterdir())


def ended_pid() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_memory_of_a_killed_server_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed server can't clean up; the next one does, and leaves a living one's directory alone."""
    monkeypatch.setattr(directory, "MEMORY_ROOT", tmp_path)
    left = tmp_path / f"statordb-{ended_pid()}-abc"
    left.mkdir()
    (left / directory.LOCK_NAME).touch()
    (tmp_path / "statordb-mine-too").mkdir()
    first, second = directory.hold_memory(), directory.hold_memory()
    assert not left.exists()
    assert first.path.exists()
    assert (tmp_path / "statordb-mine-too").exists()
    first.release()
    second.release()
