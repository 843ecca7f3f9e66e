"""Backups, and restores to a second, of a table whose writers are on several servers of a cluster, one of which is
killed: still one moment."""

import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.archive.judge import SOURCE, Notes, Writer, active, begin, end, fill, scan, violations, written
from tests.cassandra import patient
from tests.pace import much, until
from tests.process import ServerProcess
from tests.raw import Connection

from statordb.crypto.file_keys import FILE_NAME
from statordb.server.objects import FOLDER

ROUNDS = much(1, 8)
STILL = much(200, 2_000)
WRITERS = 4
WRITTEN_MIN = 20
AHEAD = 1.0  # seconds by which a canary's moment is another one
TICK = 0.001  # times of changes are those of the millisecond
KEYSPACE = f"sd_archive_{os.getpid()}"

pytestmark = pytest.mark.slow  # real servers on a real cluster

Start = Callable[[], ServerProcess]


@pytest.fixture
def start(cassandra_hosts: tuple[str, ...], tmp_path: Path) -> Iterator[Start]:
    """Starts servers of one store, whose archive they share."""
    place = ["--engine", "cassandra", "--cassandra", ",".join(cassandra_hosts), "--datacenter", "dc1"]
    started: list[ServerProcess] = []
    shared = tmp_path / "shared"
    shared.mkdir()

    def serve() -> ServerProcess:
        directory = tmp_path / str(len(started))
        directory.mkdir()
        (directory / FOLDER).symlink_to(shared)
        if started:
            shutil.copy(tmp_path / "0" / FILE_NAME, directory)
        words = ["--data", str(directory), "--workers", "1", "--no-functions", "--admin-port", "0"]
        started.append(ServerProcess(*words, *place, "--keyspace", KEYSPACE, command=patient.COMMAND))
        return started[-1]

    yield serve
    for process in started:
        if process.process.poll() is None:
            process.stop()


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


def test_a_backup_on_cassandra_is_one_moment(start: Start) -> None:
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


def _times(connection: Connection) -> tuple[float, float]:
    told = connection.ask("DescribeContinuousBackups", {"TableName": SOURCE})["ContinuousBackupsDescription"]
    recovery = told["PointInTimeRecoveryDescription"]
    return recovery["EarliestRestorableDateTime"], recovery["LatestRestorableDateTime"]


def _is_behind(connection: Connection, moment: float) -> bool:
    return _times(connection)[1] > moment


def test_any_second_on_cassandra_comes_back(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose writers are on two servers, of which one is killed, perhaps the one that keeps what is written."""
    monkeypatch.setenv("STATORDB_ARCHIVE_SECONDS", "0.5")
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown where the test fails
    chance = random.Random(seed)
    notes = [Notes() for _ in range(2 * WRITERS)]
    stays, other = start(), start()
    connection = Connection(stays.url)
    fill(connection, STILL, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
    specification = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    connection.ask("UpdateContinuousBackups", {"TableName": SOURCE, **specification})
    canaries = 0
    for turn in range(ROUNDS):
        least = written(notes) + WRITTEN_MIN
        writers = begin(stays.url, notes[:WRITERS]) + begin(other.url, notes[WRITERS:], WRITERS)
        until(partial(_have_written, writers, notes, least), "writers write")
        until(partial(_is_behind, connection, _times(connection)[0] + 1), "a second can be had", 0.2)
        time.sleep(chance.uniform(0.0, 3.0))
        earliest, _ = _times(connection)
        other.kill()
        until(partial(_have_written, writers, notes, written(notes) + WRITTEN_MIN), "writers write on")
        acked = [acked for each in notes for _, acked, _ in each.both if acked is not None and acked > earliest + 1]
        moment = float(int(chance.choice(acked)))
        until(partial(_is_behind, connection, moment), "the second is kept", 0.2)
        request = {"SourceTableName": SOURCE, "TargetTableName": f"again-{turn}", "RestoreDateTime": moment}
        connection.ask("RestoreTableToPointInTime", request)
        active(connection, f"again-{turn}")
        end(writers)
        items, entries = scan(connection, f"again-{turn}"), scan(connection, f"again-{turn}", "ggg")
        told = f"round {turn}, {moment}, seed {seed}"
        assert violations(notes, items, entries, STILL, moment, moment + TICK) == [], told
        for shifted in (moment - AHEAD, moment + AHEAD):
            canaries += bool(violations(notes, items, entries, STILL, shifted, shifted + TICK))
        other = start()
    assert canaries, "a second is no other one"
