"""The supervisor with small children, in a process of its own: what dies is replaced, and the end is orderly."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tests.pace import HANGS_SECONDS, until

pytestmark = pytest.mark.slow  # real processes

PROGRAM = """
import os, signal, sys, time
from functools import partial
from statordb.server.hung import Watch
from statordb.server.roster import Roster
from statordb.server.supervisor import Child, Supervisor

roster = Roster(2)

def say(line):
    os.write(1, line.encode() + b"\\n")  # whole lines, from several processes

def live(slot, link):
    {body}
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    roster.ready(slot, os.getpid())
    link.ready()
    say(f"up {{slot}} {{os.getpid()}}")
    while True:
        {life}

watch = Watch(roster, hung_seconds={hung_seconds})
supervisor = Supervisor(roster, 0.3, partial(say, "ready"), partial(say, "stopping"), watch)
sys.exit(supervisor.run([Child(f"child{{slot}}", slot, partial(live, slot)) for slot in range(2)]))
"""


class Tree:
    """A supervisor and two children; `body` runs in a child before it is ready, `life` again and again after that."""

    def __init__(self, body: str = "pass", life: str = "signal.pause()", hung_seconds: float = 3600) -> None:
        program = PROGRAM.format(body=body, life=life, hung_seconds=hung_seconds)
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=self.errors, text=True
        )

    def lines(self, count: int) -> list[str]:
        assert self.process.stdout is not None
        return [self.process.stdout.readline().strip() for _ in range(count)]

    def successor(self, slot: str) -> int:
        """The process that comes up in this slot next. Others may be replaced too, where the machine stutters."""
        while True:
            found = pids(self.lines(1))
            assert found, "the supervisor has ended"
            if slot in found:
                return found[slot]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(HANGS_SECONDS)

    def logged(self) -> str:
        self.errors.seek(0)
        return self.errors.read()


@pytest.fixture
def trees():  # type: ignore[no-untyped-def]
    made: list[Tree] = []

    def make(*parts: str, hung_seconds: float = 3600) -> Tree:
        made.append(Tree(*parts, hung_seconds=hung_seconds))
        return made[-1]

    yield make
    for tree in made:
        tree.process.kill()
        tree.process.wait()
        assert tree.process.stdout is not None
        tree.process.stdout.close()
        tree.errors.close()


def pids(lines: list[str]) -> dict[str, int]:
    """slot -> process id, of the lines that children print."""
    return {line.split()[1]: int(line.split()[2]) for line in lines if line.startswith("up")}


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ready_once_and_an_orderly_end(trees, number: signal.Signals) -> None:  # type: ignore[no-untyped-def]
    tree = trees()
    lines = tree.lines(3)
    assert sorted(line.split()[0] for line in lines) == ["ready", "up", "up"]
    assert tree.end(number) == 0
    assert tree.lines(1) == ["stopping"]


def test_what_dies_is_replaced(trees) -> None:  # type: ignore[no-untyped-def]
    tree = trees()
    before = pids(tree.lines(3))
    os.kill(before["1"], signal.SIGKILL)
    after = pids(tree.lines(1))
    assert list(after) == ["1"]
    assert after["1"] != before["1"]
    assert tree.end() == 0


BEATS = "roster.beat(slot); time.sleep(0.05)"


def test_what_does_not_go_on_writes_down_where_it_stands_and_is_replaced(trees) -> None:  # type: ignore[no-untyped-def]
    """The interpreter is held by C code there, so that no handler written in Python could run."""
    stuck = "stands = slot == 1 and not roster.restarts(1)"
    tree = trees(stuck, f"sum(range(10**12)) if stands else ({BEATS.replace(';', ',')})", hung_seconds=2)
    before = pids(tree.lines(3))
    assert tree.successor("1") != before["1"]
    assert "in live" in tree.logged()
    assert "process does not go on" in tree.logged()
    assert tree.end() == 0


def test_a_stopped_process_is_replaced(trees) -> None:  # type: ignore[no-untyped-def]
    tree = trees("pass", BEATS, hung_seconds=2)
    before = pids(tree.lines(3))
    os.kill(before["0"], signal.SIGSTOP)
    assert tree.successor("0") != before["0"]
    until(lambda: gone(before["0"]), "the stopped process has ended")
    assert tree.end() == 0


def test_the_end_does_not_wait_for_what_stands(trees) -> None:  # type: ignore[no-untyped-def]
    tree = trees("pass", "sum(range(10**12))")
    tree.lines(3)
    assert tree.end() == 0


def test_children_die_with_their_parent(trees) -> None:  # type: ignore[no-untyped-def]
    tree = trees()
    children = pids(tree.lines(3))
    tree.end(signal.SIGKILL)
    until(lambda: all(map(gone, children.values())), "the children have ended")


def test_a_child_that_cannot_start_ends_the_server(trees) -> None:  # type: ignore[no-untyped-def]
    tree = trees("if slot == 1: os._exit(3)")
    assert tree.process.wait(HANGS_SECONDS) == 3


def test_a_child_that_does_not_end_is_killed(trees) -> None:  # type: ignore[no-untyped-def]
    tree = trees("signal.signal = lambda *_: None; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])")
    tree.lines(3)
    tree.process.send_signal(signal.SIGTERM)
    tree.process.send_signal(signal.SIGINT)  # the second signal does not wait
    assert tree.process.wait(HANGS_SECONDS) == 0
