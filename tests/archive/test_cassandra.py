"""Backups, and restores to a second, of a table whose writers are on several servers of a cluster, one of which is
killed: still one moment."""

import itertools
import os
import random
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.archive import seconds
from tests.archive.judge import SOURCE, Notes, Writer, active, begin, end, fill, scan, violations, written
from tests.archive.on_cassandra import Servers
from tests.pace import much, until
from tests.process import ServerProcess
from tests.raw import Connection

ROUNDS = much(1, 8)
STILL = much(200, 2_000)
WRITERS = 4
WRITTEN_MIN = 20
KEYSPACES = (f"sd_archive_{os.getpid()}_{number}" for number in itertools.count())

pytestmark = pytest.mark.slow  # real servers on a real cluster


@pytest.fixture
def start(cassandra_hosts: tuple[str, ...], tmp_path: Path) -> Iterator[Servers]:
    servers = Servers(cassandra_hosts, tmp_path, next(KEYSPACES))
    yield servers
    servers.close()


def _status(connection: Connection, arn: str) -> Any:
    return connection.ask("DescribeBackup", {"BackupArn": arn})["BackupDescription"]["BackupDetails"]["BackupStatus"]


def _have_written(writers: list[Writer], notes: list[Notes], least: int) -> bool:
    return written(notes) > least or any(writer.failure for writer in writers)


def _back_up(connection: Connection, other: ServerProcess, pause: float) -> tuple[str, float, float]:
    """A backup while another server is killed: its ARN, and the times between which its moment lies."""
    since = time.time()
    arn = connection.ask("CreateBackup", {"TableName": SOURCE, "BackupName": "bbb"})["BackupDetails"]["BackupArn"]
    time.sleep(pause)
    other.kill()
    until(lambda: _status(connection, arn) == "AVAILABLE", "it is whole")
    return arn, since, time.time()


def test_a_backup_on_cassandra_is_one_moment(start: Servers) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown where the test fails
    chance = random.Random(seed)
    notes = [Notes() for _ in range(2 * WRITERS)]
    stays, other = start(), start()
    connection = Connection(stays.url)
    fill(connection, STILL)
    for turn in range(ROUNDS):
        least = written(notes) + WRITTEN_MIN
        writers = begin(stays.url, notes[:WRITERS]) + begin(other.url, notes[WRITERS:], WRITERS)
        until(partial(_have_written, writers, notes, least), "writers write")
        arn, since, upto = _back_up(connection, other, chance.uniform(0.0, 4.0))
        end(writers)
        name = f"restored-{turn}"
        connection.ask("RestoreTableFromBackup", {"TargetTableName": name, "BackupArn": arn})
        active(connection, name)
        items, entries = scan(connection, name), scan(connection, name, "ggg")
        assert violations(notes, items, entries, STILL, since, upto) == [], f"round {turn}, seed {seed}"
        other = start()


def test_any_second_on_cassandra_comes_back(start: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose writers are on two servers, of which one is killed, perhaps the one that keeps what is written."""
    monkeypatch.setenv("STATORDB_ARCHIVE_SECONDS", "0.5")
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown where the test fails
    chance = random.Random(seed)
    notes = [Notes() for _ in range(2 * WRITERS)]
    stays, other = start(), start()
    connection = Connection(stays.url)
    seconds.make(connection, STILL)
    canaries = 0
    for turn in range(ROUNDS):
        least = written(notes) + WRITTEN_MIN
        writers = begin(stays.url, notes[:WRITERS]) + begin(other.url, notes[WRITERS:], WRITERS)
        until(partial(_have_written, writers, notes, least), "writers write")
        until(partial(seconds.is_kept, connection, seconds.times(connection)[0] + 1), "a second can be had", 0.2)
        time.sleep(chance.uniform(0.0, 3.0))
        other.kill()
        until(partial(_have_written, writers, notes, written(notes) + WRITTEN_MIN), "writers write on")
        canaries += seconds.restored(connection, notes, STILL, chance, f"again-{turn}")
        end(writers)
        other = start()
    assert canaries, "a second is no other one"
