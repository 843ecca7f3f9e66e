"""Restores to random seconds of a table under writers, whose server is killed all the time: each is exactly what was
acknowledged until then."""

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.archive import seconds
from tests.archive.judge import WRITERS, Item, Notes, active, begin, end, scan, violations, written
from tests.archive.seconds import AHEAD, TICK
from tests.pace import much, until
from tests.process import ServerProcess
from tests.raw import Connection

ROUNDS = much(2, 15)
RESTORES = much(2, 50)
STILL = much(500, 20_000)
WRITTEN_MIN = much(150, 500)  # transactions in a round


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STATORDB_ARCHIVE_SECONDS", "0.5")
    return tmp_path


def _server(directory: Path) -> ServerProcess:
    return ServerProcess("--data", str(directory), "--workers", "2", "--no-functions")


def _kill_under_writers(directory: Path, notes: list[Notes], chance: random.Random) -> None:
    """At some moment of a round: while segments are written, perhaps, or the base."""
    server = _server(directory)
    try:
        before = written(notes)
        writers = begin(server.url, notes)
        until(lambda: written(notes) > before + WRITTEN_MIN or any(w.failure for w in writers), "writers write")
        time.sleep(chance.uniform(0.0, 1.5))
        server.kill()
        end(writers)
    except BaseException:
        server.kill()
        raise


def _kill_while_it_is_restored(
    directory: Path, notes: list[Notes], chance: random.Random, names: dict[str, float]
) -> None:
    """With writers beside it."""
    server = _server(directory)
    try:
        connection = Connection(server.url)
        until(lambda: seconds.times(connection)[1] >= max(names.values()), "all of it is written away")
        writers = begin(server.url, notes)
        for name, moment in names.items():
            seconds.begin(connection, name, moment)
        time.sleep(chance.uniform(0.0, 0.5))
        server.kill()
        end(writers)
    except BaseException:
        server.kill()
        raise


def _look(directory: Path, names: Sequence[str]) -> dict[str, tuple[list[Item], list[Item], Any]]:
    """The items, the entries of the index, and the description of each table once it is whole; then it goes."""
    found = {}
    with _server(directory) as server:
        connection = Connection(server.url)
        for name in names:
            active(connection, name)
            told = connection.ask("DescribeTable", {"TableName": name})["Table"]
            found[name] = scan(connection, name), scan(connection, name, "ggg"), told
            connection.ask("DeleteTable", {"TableName": name})
    return found


@pytest.mark.slow
def test_any_second_comes_back_though_the_server_is_killed(directory: Path) -> None:
    """The judge is shown that it can fail: it finds fault with each restored table, were it of a second before, or
    after."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown where the test fails
    chance = random.Random(seed)
    notes = [Notes() for _ in range(WRITERS)]
    with _server(directory) as server:
        connection = Connection(server.url)
        seconds.make(connection, STILL)
        earliest, _ = seconds.times(connection)
    for _ in range(ROUNDS):
        _kill_under_writers(directory, notes, chance)
    canaries = 0
    moments = [earliest, *(seconds.some_moment(notes, earliest, chance) for _ in range(RESTORES - 1))]
    for at in range(0, RESTORES, 2):
        names = {f"restored-{at + number}": moment for number, moment in enumerate(moments[at : at + 2])}
        _kill_while_it_is_restored(directory, notes, chance, names)
        for name, (items, entries, told) in _look(directory, list(names)).items():
            moment = names[name]
            told_of = f"{name} of {moment}, seed {seed}"
            assert violations(notes, items, entries, STILL, moment, moment + TICK) == [], told_of
            assert told["ItemCount"] == len(items), told_of
            for other in (moment - AHEAD, moment + AHEAD):
                canaries += bool(violations(notes, items, entries, STILL, other, other + TICK))
    assert canaries, "a second is no other one"
