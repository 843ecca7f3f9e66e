"""What is left of functions when their server is killed: ended by the kernel, or by the next server."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.pace import until
from tests.runtime.pools import alive, call, function, run

from statordb.runtime import leftovers, processes
from statordb.runtime.pool import Pool
from statordb.runtime.private_directory import NotPrivate

SERVER = """
import asyncio, json, sys
from pathlib import Path
from tests.runtime.pools import function, run

async def story(pool):
    event = json.dumps({"pids": sys.argv[2]}).encode()
    await pool.invoke(function("handlers.hang_deaf", timeout_seconds=600), event)

run(story, directory=Path(sys.argv[1]), loop_factory=asyncio.new_event_loop)
"""


def test_a_killed_servers_functions_end(tmp_path: Path) -> None:
    """The function itself dies with the server. Its children, one of which has a session of its own, live on until
    another server starts on the same directory; a stranger lives on after that too."""
    told = tmp_path / "pids"
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path), str(told)])
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        until(lambda: told.exists() and len(told.read_text().split()) == 3, "it has told its processes")
        function_pid, *children = map(int, told.read_text().split())
        assert alive(function_pid)
        server.send_signal(signal.SIGKILL)
        server.wait()
        until(lambda: not alive(function_pid), "the function has ended")
        assert all(map(alive, children))

        async def story(pool: Pool) -> None:
            assert await call(pool, function("handlers.echo"), 1) == 1

        run(story, directory=tmp_path)
        until(lambda: not any(map(alive, children)), "its children have ended")
        assert alive(stranger.pid)
        assert os.listdir(tmp_path / "instances") == []
    finally:
        stranger.kill()
        stranger.wait()


def test_a_stranger_with_a_noted_number_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        homes = tmp_path / leftovers.HOMES
        home = leftovers.new_home(homes)
        began_at = processes.began_at(stranger.pid)
        assert began_at is not None
        home.with_suffix(leftovers.SUFFIX).write_text(f"{stranger.pid} {began_at - 1}")
        leftovers.clear_all(tmp_path)
        assert alive(stranger.pid)
        assert os.listdir(homes) == []
        home = leftovers.new_home(homes)
        leftovers.note(home, stranger.pid)
        leftovers.clear_all(tmp_path)
        until(lambda: not alive(stranger.pid), "what was noted has ended")
    finally:
        stranger.kill()
        stranger.wait()


def test_notes_that_were_not_finished_are_taken_away(tmp_path: Path) -> None:
    homes = tmp_path / leftovers.HOMES
    home = leftovers.new_home(homes)
    home.with_suffix(leftovers.SUFFIX).write_text("")
    (homes / f"{'0' * 32}{leftovers.SUFFIX}").write_text(json.dumps(1))
    leftovers.clear_all(tmp_path)
    assert os.listdir(homes) == []


def test_where_no_pool_has_been_nothing_is_made(tmp_path: Path) -> None:
    leftovers.clear_all(tmp_path / "none")
    leftovers.clear_all(tmp_path)
    assert os.listdir(tmp_path) == []


def test_what_others_could_have_written_ends_no_process(tmp_path: Path) -> None:
    """A note, or a directory's name, that somebody else made up."""
    mark = "a-mark-of-this-test"
    bystander = subprocess.Popen(["sleep", "600"], start_new_session=True, env={"PATH": os.defpath, "MARK": mark})
    try:
        homes = tmp_path / leftovers.HOMES
        home = leftovers.new_home(homes)
        leftovers.note(home, bystander.pid)
        homes.chmod(0o777)
        with pytest.raises(NotPrivate, match="Other users may write"):
            leftovers.clear_all(tmp_path)
        assert alive(bystander.pid)
        homes.chmod(0o700)
        home.with_suffix(leftovers.SUFFIX).unlink()
        (homes / mark).mkdir()
        leftovers.clear_all(tmp_path)
        assert alive(bystander.pid)
    finally:
        bystander.kill()
        bystander.wait()
