"""Backups under writers, of a server that is killed at any moment: each restores to one moment of the table."""

import random
import time
from pathlib import Path
from typing import Any

import pytest
from tests.archive.judge import (
    SOURCE,
    WRITERS,
    Notes,
    active,
    begin,
    end,
    fill,
    scan,
    violations,
    written,
)
from tests.pace import much, until
from tests.process import ServerProcess
from tests.raw import Connection

ROUNDS = much(3, 20)
STILL = much(2_000, 20_000)
WRITTEN_MIN = 50  # transactions in a round

Asked = tuple[str, float, float]
"""The ARN of a backup, and the times between which its moment lies."""


def _server(directory: Path) -> ServerProcess:
    return ServerProcess("--data", str(directory), "--workers", "2", "--no-functions")


def _ask(connection: Connection) -> Asked:
    since = time.time()
    reply = connection.ask("CreateBackup", {"TableName": SOURCE, "BackupName": "bbb"})
    return reply["BackupDetails"]["BackupArn"], since, time.time()


def _kill_while_backups_are_made(directory: Path, notes: list[Notes], chance: random.Random) -> list[Asked]:
    """Ask for some under writers, and kill the server at some moment thereafter."""
    server = _server(directory)
    try:
        connection, before = Connection(server.url), written(notes)
        writers = begin(server.url, notes)
        asked = []
        for _ in range(2):
            until(lambda: written(notes) > before + WRITTEN_MIN or any(w.failure for w in writers), "writers write")
            asked.append(_ask(connection))
            time.sleep(chance.uniform(0.0, 0.2))
        time.sleep(chance.uniform(0.0, 0.3))
        server.kill()
        end(writers)
    except BaseException:
        server.kill()
        raise
    return asked


def _kill_while_it_is_restored(directory: Path, notes: list[Notes], chance: random.Random, arn: str, name: str) -> None:
    server = _server(directory)
    try:
        connection = Connection(server.url)
        writers = begin(server.url, notes)
        until(lambda: _status(connection, arn) == "AVAILABLE", "the backup is whole")
        connection.ask("RestoreTableFromBackup", {"TargetTableName": name, "BackupArn": arn})
        time.sleep(chance.uniform(0.0, 0.4))
        server.kill()
        end(writers)
    except BaseException:
        server.kill()
        raise


def _status(connection: Connection, arn: str) -> Any:
    return connection.ask("DescribeBackup", {"BackupArn": arn})["BackupDescription"]["BackupDetails"]["BackupStatus"]


@pytest.mark.slow
def test_backups_of_a_server_that_is_killed_are_whole(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown where the test fails
    chance = random.Random(seed)
    notes = [Notes() for _ in range(WRITERS)]
    with _server(tmp_path) as server:
        fill(Connection(server.url), STILL)
    for turn in range(ROUNDS):
        asked = _kill_while_backups_are_made(tmp_path, notes, chance)
        for number, (arn, since, upto) in enumerate(asked):
            name = f"restored-{turn}-{number}"
            _kill_while_it_is_restored(tmp_path, notes, chance, arn, name)
            with _server(tmp_path) as server:
                connection = Connection(server.url)
                active(connection, name)
                items, entries = scan(connection, name), scan(connection, name, "ggg")
                told = connection.ask("DescribeTable", {"TableName": name})["Table"]
                connection.ask("DeleteTable", {"TableName": name})
            assert violations(notes, items, entries, STILL, since, upto) == [], f"round {turn}, seed {seed}"
            assert told["ItemCount"] == len(items), f"round {turn}, seed {seed}"
