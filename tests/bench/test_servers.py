"""Starting and ending servers, with programs of a few lines in their place."""

import os
import sys
from pathlib import Path

import pytest
from tests.pace import until

import memory
from servers import Launch, Running, Unavailable, statordb_on_cassandra

LISTEN = "import socket,sys; s=socket.create_server(('127.0.0.1',int(sys.argv[1]))); s.accept(); s.accept()"
FORKING = "import os\nif os.fork() == 0: import signal; signal.pause()\n" + LISTEN.replace("; ", "\n")


def launch(program: str) -> Launch:
    return Launch("probe", lambda port, data: [sys.executable, "-c", program, str(port)], speaks_api=False)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.slow
def test_children_are_measured_and_end_with_their_server(tmp_path: Path) -> None:
    with Running(launch(FORKING), tmp_path / "server") as running:
        processes = memory.tree(running.process.pid)
        assert len(processes) == 2
        assert all(0 < process.pss <= process.rss for process in processes)
    until(lambda: not any(is_alive(process.pid) for process in processes), "the kernel has ended what was killed")


@pytest.mark.slow
def test_a_server_that_ends_at_once_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(Unavailable, match="code 3: the port is taken"),
        Running(launch("import sys; print('the port is taken'); sys.exit(3)"), tmp_path / "server"),
    ):
        pass


def test_a_program_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    absent = Launch("absent", lambda port, data: ["/nonexistent/program"])
    with pytest.raises(Unavailable, match="No such file"), Running(absent, tmp_path / "server"):
        pass


def test_a_second_server_on_a_cluster_has_the_keys_of_the_first(tmp_path: Path) -> None:
    # Each must open what the other has sealed; with keys of its own it would not start.
    first = Running(statordb_on_cassandra("first", ("10.0.0.1", "10.0.0.2"), "east", "bench"), tmp_path / "first")
    for server in ("first", "second"):
        (tmp_path / server / "data").mkdir(parents=True)
    (tmp_path / "first" / "data" / "keys.json").write_text("{}")
    second = statordb_on_cassandra("second", ("10.0.0.1", "10.0.0.2"), "east", "bench", first)
    command = second.command(8000, tmp_path / "second" / "data")
    assert (tmp_path / "second" / "data" / "keys.json").read_text() == "{}"
    assert command[command.index("--cassandra") + 1] == "10.0.0.1,10.0.0.2"
