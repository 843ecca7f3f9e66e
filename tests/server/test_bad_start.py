"""What can't be started is told in one sentence, with exit code 2, and leaves nothing behind."""

import asyncio
import logging
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest
from tests.pace import HANGS_SECONDS
from tests.process import STATORDB

from statordb import __version__
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.engine.lmdb.keys import FORMAT_KEY, pack_id
from statordb.server import cassandra, directory
from statordb.server.main import main

NO_CLUSTER = ["--engine", "cassandra", "--cassandra", "127.0.0.1:9", "--datacenter", "dc1"]  # nothing listens there


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(directory, "LOCK_WAIT_SECONDS", 0.0)
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raising


@pytest.fixture
def taken() -> Iterator[str]:
    """A port that something else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield str(listener.getsockname()[1])


def sentence(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command that can't be run says."""
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    return shown.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "required"),
        (["sirve"], "invalid choice"),
        (["serve", "--prt", "1"], "--prt"),
        (["serve", "--po", "1"], "--po"),
        (["serve", "--port"], "expected one argument"),
        (["serve", "--port", "99999"], "The value '99999' of --port is not from 0 to 65535."),
        (["serve", "--workers", "0"], "--workers"),
        (["serve", "--prot", "1"], "--prot 1: is --port meant? (see statordb serve --help)"),
        (["serve", "-inMemory", "-sharedDb"], "is --memory --shared-db meant?"),  # DynamoDB Local's
        (["serve", "--functions-users", "1-2"], "is STATORDB_FUNCTIONS_USERS, or functions_users in a file"),
        (["credentials", "list", "--key-directory=k"], "There is no option --key-directory here"),
        (["serve", "-x", "y"], "Unrecognized arguments: -x y (see statordb serve --help)."),
        (["credentials", "list", "--jsn"], "is --json meant? (see statordb credentials list --help)"),
        (["--memory", "serve"], "There is no option --memory here"),  # it stands behind the command
        (["--prt", "1", "serve"], "(see statordb --help)"),
        (["serve", "--auth", "none"], "is not one of open, iam"),
        (["serve", "--data", "x", "--memory"], "not allowed with"),
        (["serve", "--host", "0.0.0.0"], "use --auth iam"),
        (["serve", "--data", "/proc/statordb"], "/proc/statordb"),
        (["serve", "--config", "missing.toml"], "missing.toml can't be read"),
        (["serve", "--cassandra", "127.0.0.1"], "use --engine cassandra"),
        (["serve", "--engine", "cassandra"], "needs nodes and their datacenter"),
        (["serve", "--engine", "cassandra", "--cassandra", "127.0.0.1"], "needs nodes and their datacenter"),
        (["serve", "--memory", *NO_CLUSTER], "can't be used together"),
        (["cluster"], "required"),
        (["cluster", "init"], "needs nodes and their datacenter"),
        (["cluster", "check", "--engine", "lmdb"], "is about the engine cassandra only"),
        (["cluster", "init", *NO_CLUSTER], "Cassandra at 127.0.0.1 can't be reached"),
        (["credentials"], "required"),
        (["credentials", "list"], "There is no store in statordb-data."),
        (["credentials", "create", "--account", "12"], "is not an account of 12 digits"),
        (["credentials", "create", "--user", "a/b"], "is not a user name"),
    ],
)
def test_bad_command_lines(capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], said: str) -> None:
    """One sentence, and nothing is made on disk."""
    assert said in sentence(capsys, *words)
    assert not list(tmp_path.iterdir())


def test_a_file_where_the_directory_should_be(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert "is not a directory" in sentence(capsys, "serve", "--data", "data")


def test_a_key_that_the_file_does_not_know(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("prot = 1")
    assert "unknown key: prot" in sentence(capsys, "serve", "--config", "a.toml")


def test_a_directory_of_functions_that_cannot_be_made(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As below /var/lib, where the server's user makes nothing."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("STATORDB_FUNCTIONS_DIRECTORY", str(tmp_path / "file" / "functions"))
    assert "file/functions of functions can't be made or used" in sentence(capsys, "serve", "--memory", "--port", "0")


def test_a_taken_port(capsys: pytest.CaptureFixture[str], taken: str) -> None:
    assert f"Port {taken} of 127.0.0.1 is taken" in sentence(capsys, "serve", "--memory", "--port", taken)


def test_a_taken_admin_port(capsys: pytest.CaptureFixture[str], taken: str) -> None:
    said = sentence(capsys, "serve", "--memory", "--port", "0", "--admin-port", taken)
    assert f"Port {taken} of 127.0.0.1 is taken" in said


def test_another_server_on_the_directory(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    held = directory.hold_data(tmp_path / "data")
    assert "Another server is running" in sentence(capsys, "serve", "--data", "data", "--port", "0")
    held.release()


def serve(*words: str) -> tuple[str, ...]:
    return ("serve", "--data", "data", "--port", "0", "--admin-port", "0", "--no-functions", *words)


def credentials(*words: str) -> tuple[str, ...]:
    """A command that opens the store in this process."""
    return ("credentials", "list", "--data", "data", *words)


def test_a_cluster_out_of_reach(capsys: pytest.CaptureFixture[str]) -> None:
    said = sentence(capsys, *credentials(*NO_CLUSTER))
    assert said.startswith("statordb: Cassandra at 127.0.0.1 can't be reached: ")


@pytest.mark.slow  # a real process: a supervisor takes over signals and forks
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_cluster_out_of_reach_under_a_supervisor(tmp_path: Path, workers: str) -> None:
    command = [str(STATORDB), *serve("--workers", workers, *NO_CLUSTER)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS_SECONDS, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "can't be reached" in done.stderr


def test_a_driver_that_is_not_installed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cassandra, "DRIVER", "no_such_driver")
    assert "pip install statordb[cassandra]" in sentence(capsys, *credentials(*NO_CLUSTER))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("missing.pem", None, "missing.pem of cassandra_ca can't be read"), ("ca.pem", "x", "is not PEM text")],
)
def test_a_certificate_that_is_none(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    content: str | None,
    said: str,
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    monkeypatch.setenv("STATORDB_CASSANDRA_CA", name)
    assert said in sentence(capsys, "cluster", "init", *NO_CLUSTER)


@pytest.fixture
def newer(tmp_path: Path) -> str:
    """A data directory that a later release wrote."""
    directory.prepare(tmp_path / "data")
    asyncio.run(LmdbEngine.open(tmp_path / "data").close())
    with lmdb.open(str(tmp_path / "data"), lib_version=1) as environment, environment.begin(write=True) as change:
        change.put(FORMAT_KEY, pack_id(99))
    return str(tmp_path / "data")


def test_a_newer_format(capsys: pytest.CaptureFixture[str], newer: str) -> None:
    said = sentence(capsys, "credentials", "list", "--data", newer)
    assert "has format 99, and this release knows formats up to" in said


@pytest.mark.slow  # a real process: a supervisor takes over signals and forks
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_newer_format_under_a_supervisor(newer: str, workers: str) -> None:
    command = [str(STATORDB), "serve", "--data", newer, "--workers", workers, "--port", "0", "--admin-port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS_SECONDS, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "has format 99" in done.stderr


def test_a_file_that_is_no_store(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    directory.prepare(tmp_path / "data")
    (tmp_path / "data" / "data.mdb").write_bytes(b"x" * 8192)
    assert "can't be opened" in sentence(capsys, *credentials())


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """Both ways to ask, as people try either."""
    assert main(["version"]) == 0
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"statordb {__version__}\n" * 2
