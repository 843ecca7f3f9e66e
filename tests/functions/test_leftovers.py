"""What is left of functions when their server is killed: ended by the kernel, or by the next server."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.functions.pools import SECONDS_MAX, alive, call, function, run

from statordb.functions import leftovers, processes
from statordb.functions.pool import Pool

SERVER = """
import asyncio, json, sys
from pathlib import Path
from tests.functions.pools import function, run

async def story(pool):
    event = json.dumps({"pids": sys.argv[2]}).encode()
    await pool.invoke(function("handlers.hang_deaf", timeout_seconds=60), event)

run(story, directory=Path(sys.argv[1]), loop_factory=asyncio.new_event_loop)
"""


def wait(true: object) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_servers_functions_end(tmp_path: Path) -> None:
    """The function itself dies with the server. Its children, one of which has a session of its own, live on until
    another server starts on the same directory; a stranger lives on after that too."""
    told = tmp_path / "pids"
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path), str(told)])
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        wait(lambda: told.exists() and len(told.read_text().split()) == 3)
        function_pid, *children = map(int, told.read_text().split())
        assert alive(function_pid)
        server.send_signal(signal.SIGKILL)
        server.wait()
        wait(lambda: not alive(function_pid))
        assert all(map(alive, children))

        async def story(pool: Pool) -> None:
            assert await call(pool, function("handlers.echo"), 1) == 1

        run(story, directory=tmp_path)
        wait(lambda: not any(map(alive, children)))
        assert alive(stranger.pid)
        assert os.listdir(tmp_path / "instances") == []
    finally:
        stranger.kill()
        stranger.wait()


def test_a_stranger_with_a_noted_number_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        home = leftovers.new_home(tmp_path)
        began_at = processes.began_at(stranger.pid)
        assert began_at is not None
        home.with_suffix(leftovers.SUFFIX).write_text(f"{stranger.pid} {began_at - 1}")
        leftovers.clear_all(tmp_path)
        assert alive(stranger.pid)
        assert os.listdir(tmp_path) == []
        home = leftovers.new_home(tmp_path)
        leftovers.note(home, stranger.pid)
        leftovers.clear_all(tmp_path)
        wait(lambda: not alive(stranger.pid))
    finally:
        stranger.kill()
        stranger.wait()


def test_notes_that_were_not_finished_are_taken_away(tmp_path: Path) -> None:
    home = leftovers.new_home(tmp_path)
    home.with_suffix(leftovers.SUFFIX).write_text("")
    (tmp_path / f"{'0' * 32}{leftovers.SUFFIX}").write_text(json.dumps(1))
    leftovers.clear_all(tmp_path)
    assert os.listdir(tmp_path) == []
