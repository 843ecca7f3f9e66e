"""Processes that keep the write lock, and processes that want it."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.pace import HANGS_SECONDS

from statordb.engine.contract import Effects, Key
from statordb.engine.lmdb import LmdbEngine
from statordb.engine.lmdb import gate as gate_module
from statordb.engine.lmdb import watch as watch_module
from statordb.engine.lmdb.gate import Gate
from statordb.engine.lmdb.watch import COMMITS_LOOKS, FILLS_LOOKS, STOPPED_LOOKS, Watch
from statordb.engine.lmdb.writers import FIRST_CELL, PID, SINCE, STARTED, Phase, Process, Writers, process_stat

Run = Callable[[Coroutine[Any, Any, Any]], Any]
Start = Callable[..., "subprocess.Popen[str]"]

HOUR_NANOSECONDS = 3600 * 10**9


class Other(Writers):
    """The cell of another process, as that one would write it."""

    def __init__(self, path: Path, pid: int) -> None:
        super().__init__(path)
        found = process_stat(pid)
        assert found is not None
        self._words[self._at + STARTED] = found[1]
        self._words[self._at + PID] = pid


class ToldWatch(Watch):
    """Looks only when it is told: a thread that looks by itself adds its looks where the machine is slow."""

    def _run(self) -> None:
        pass


class Pair:
    """This process and another one, with a watch that looks when told, and tells whom it would kill."""

    def __init__(self, path: Path, child: "subprocess.Popen[bytes]") -> None:
        self.child = child
        self.other = Other(path, child.pid)
        self.own = Writers(path)
        self.killed: list[Process] = []
        self.watch = ToldWatch(self.own, self.killed.append)

    def wait_long(self) -> None:
        self.own.phase(Phase.WANTS)
        self.own._words[self.own._at + SINCE] -= 10**9

    def looks(self) -> int:
        """How many it takes until the other is killed; 0 if it is not."""
        for count in range(1, COMMITS_LOOKS + 2):
            self.watch.look()
            if self.killed:
                return count
        return 0


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    made = Pair(tmp_path / "writers", child)
    yield made
    made.watch.close()
    child.kill()
    child.communicate()


@pytest.mark.parametrize(
    ("phase", "looks"), [(Phase.FILLS, FILLS_LOOKS), (Phase.COMMITS, COMMITS_LOOKS), (Phase.WANTS, 0), (Phase.IDLE, 0)]
)
def test_who_gets_on_with_nothing_is_killed_once_it_is_beyond_doubt(pair: Pair, phase: Phase, looks: int) -> None:
    pair.other.phase(phase)
    pair.wait_long()
    assert pair.looks() == looks


@pytest.mark.parametrize("phase", [Phase.FILLS, Phase.COMMITS, Phase.WANTS])
def test_who_is_stopped_is_killed_soon(pair: Pair, phase: Phase) -> None:
    """Also one that waits: it may have been woken to take the lock, and then nobody else is."""
    pair.other.phase(phase)
    pair.child.send_signal(signal.SIGSTOP)
    while process_stat(pair.child.pid) != ("T", pair.other.own.started):
        pass
    pair.wait_long()
    assert pair.looks() == STOPPED_LOOKS


def test_who_gets_on_lives(pair: Pair) -> None:
    pair.wait_long()
    for _ in range(3 * FILLS_LOOKS):
        pair.other.phase(Phase.FILLS)
        pair.watch.look()
    assert not pair.killed


def test_nobody_is_looked_at_who_keeps_nobody_waiting(pair: Pair) -> None:
    pair.other.phase(Phase.FILLS)
    for phase in (Phase.IDLE, Phase.WANTS, Phase.FILLS):
        pair.own.phase(phase)
        pair.own._words[pair.own._at + SINCE] += HOUR_NANOSECONDS  # so that it never waits for long
        assert pair.looks() == 0


def test_a_process_that_has_got_the_number_of_a_dead_one_is_left_alone(pair: Pair) -> None:
    pair.other._words[pair.other._at + STARTED] += 1
    pair.other.phase(Phase.FILLS)
    pair.wait_long()
    assert pair.looks() == 0


def test_a_cell_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    dead = Other(tmp_path / "writers", child.pid)
    dead.phase(Phase.FILLS)
    living = Writers(tmp_path / "writers")
    child.kill()
    child.communicate()
    heir = Writers(tmp_path / "writers")
    assert (dead._at, heir._at) == (FIRST_CELL, FIRST_CELL)
    assert living._at != heir._at
    assert not list(living.others())


def test_the_watch_ends_without_another_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever ends a server waits for it, and whoever runs thousands of tests waits thousands of times."""
    monkeypatch.setattr(watch_module, "LOOK_SECONDS", 10 * HANGS_SECONDS)
    watch = Watch(Writers(tmp_path / "writers"))
    ends = threading.Thread(target=watch.close, daemon=True)
    ends.start()
    ends.join(HANGS_SECONDS)
    assert not ends.is_alive()


def test_who_has_just_had_the_lock_lets_the_one_go_first_who_waits(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = gate_module.GIVE_WAY_SECONDS
    monkeypatch.setattr(gate_module, "GIVE_WAY_SECONDS", HANGS_SECONDS)
    gate = Gate(pair.own, pair.watch)
    pair.other.phase(Phase.WANTS)
    asked = threading.Event()
    seen: list[int] = []

    def have_it() -> None:
        seen.append(pair.own.own.phase)
        pair.other.phase(Phase.FILLS)
        asked.set()

    had = threading.Timer(0.0005, have_it)
    had.start()
    gate.ask()
    asked.wait()
    assert seen == [Phase.IDLE]
    assert pair.own.own.phase == Phase.WANTS
    pair.other.phase(Phase.WANTS)
    monkeypatch.setattr(gate_module, "GIVE_WAY_SECONDS", waits)
    gate.ask()  # for ever it waits for nobody


@pytest.mark.slow
def test_a_process_that_is_stopped_with_the_lock_does_not_stop_the_others(
    directory: Path, start: Start, run: Run
) -> None:
    """It is killed; what it had acknowledged is there, what it had not committed is not."""
    engine = LmdbEngine.open(directory, durable=False)
    other = start("stopping.py", directory)
    assert other.stdout is not None
    assert other.stdout.readline() == "kept\n"
    while (process_stat(other.pid) or "?")[0] != "T":
        pass
    keys = [Key(1, b"%d" % i, b"") for i in range(10)]

    async def updates() -> None:
        for key in keys:
            await engine.update([key], lambda stored, key=key: Effects([(key, b"x")]))

    run(updates())
    assert other.wait(HANGS_SECONDS) == -signal.SIGKILL
    kept, lost = run(engine.read([Key(1, b"kept", b""), Key(1, b"lost", b"")]))
    assert kept.body == b"x"
    assert lost is None
    run(engine.close())
