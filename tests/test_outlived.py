"""What a killed process of tests leaves behind ends, and what one ends by itself is left alone."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.outlived import Outlived
from tests.pace import until

ROOT = Path(__file__).parents[1]
# Starts a process that has a child and leads a group, says the pids of both, and waits to be killed.
STARTS = """
import subprocess, sys
from tests.outlived import Outlived
command = ["sh", "-c", "sleep 600 & echo $!; wait"]
process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
watch = Outlived(process.pid)
print(process.pid, process.stdout.readline(), flush=True)
sys.stdin.read()
"""


def gone(pid: int) -> bool:
    """Whether it has ended; who adopts it may not have asked for it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("pauses", [False, True])
def test_a_killed_process_leaves_nothing(pauses: bool) -> None:
    ours = subprocess.Popen(
        [sys.executable, "-c", STARTS], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert ours.stdout is not None
    pids = list(map(int, ours.stdout.readline().split()))
    assert not any(map(gone, pids))
    if pauses:
        os.killpg(pids[0], signal.SIGSTOP)
    ours.kill()
    ours.communicate()
    until(lambda: all(map(gone, pids)), "both have ended")


def test_the_watch_ends_with_what_it_watches() -> None:
    process = subprocess.Popen(["sleep", "600"])
    watch = Outlived(process.pid)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert watch._process.wait() == 0


def test_what_is_watched_goes_on_when_the_watch_is_closed() -> None:
    process = subprocess.Popen(["sleep", "600"])
    Outlived(process.pid).close()
    assert process.poll() is None
    process.kill()
    process.wait()
