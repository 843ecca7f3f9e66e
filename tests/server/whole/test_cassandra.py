"""A keyspace that is lost: from its archive the store comes back into an empty one, or into a data directory."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from tests.archive.judge import SOURCE, Notes, active, begin, end, fill, scan, violations
from tests.cassandra import patient
from tests.pace import HANGS_SECONDS, until
from tests.process import ServerProcess
from tests.raw import Connection
from tests.server.whole.test_living import moments, write_on

STILL = 100
WRITERS = 3
OLD, NEW = f"sd_whole_old_{os.getpid()}", f"sd_whole_new_{os.getpid()}"

pytestmark = pytest.mark.slow  # real servers on a real cluster


def command(*words: object) -> str:
    done = subprocess.run(
        [*patient.COMMAND, *map(str, words)], capture_output=True, text=True, timeout=HANGS_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def judged(notes: list[Notes], place: Sequence[str], through: float, upto: float, command: Sequence[str]) -> None:
    with ServerProcess("--workers", "1", "--no-functions", "--admin-port", "0", *place, command=command) as server:
        connection = Connection(server.url)
        active(connection, SOURCE)
        items, entries = scan(connection, SOURCE), scan(connection, SOURCE, "ggg")
    assert violations(notes, items, entries, STILL, through, upto) == []


def test_a_keyspace_that_is_lost_comes_back_from_its_archive(cassandra_hosts: tuple[str, ...], tmp_path: Path) -> None:
    objects, data = tmp_path / "objects", tmp_path / "data"
    settings = tmp_path / "settings.toml"
    settings.write_text(f'objects = "{objects}"\narchive_seconds = 1.0\n')
    cluster = ["--engine", "cassandra", "--cassandra", ",".join(cassandra_hosts), "--datacenter", "dc1"]
    config = ["--config", str(settings)]
    notes = [Notes() for _ in range(WRITERS)]
    words = ["--data", str(data), "--workers", "1", "--no-functions", "--admin-port", "0", *config]
    server = ServerProcess(*words, *cluster, "--keyspace", OLD, command=patient.COMMAND)
    try:
        fill(Connection(server.url), STILL)
        writers = begin(server.url, notes)
        until(lambda: any((objects / "_store" / "archive").rglob("bases/*/*")), "there is a base")
        write_on(notes, writers)
        for _ in range(3):
            before = moments(objects)
            until(lambda before=before: moments(objects) - before, "a moment is kept")  # type: ignore[misc]
        server.kill()
        end(writers)
    except BaseException:
        server.kill()
        raise
    upto = max(note[0] for each in notes for note in each.both)
    keys = tmp_path / "kept.json"
    shutil.copy(data / "keys.json", keys)
    restore = ["restore", "--from", objects, "--keys", keys, *config]
    told = command(*restore, "--data", tmp_path / "other", *cluster, "--keyspace", NEW)
    through = datetime.fromisoformat(re.findall(r"as of (\S+Z)", told)[0]).timestamp()
    place = ["--data", str(tmp_path / "other"), *cluster, "--keyspace", NEW]
    judged(notes, place, through, upto, patient.COMMAND)
    command(*restore, "--data", tmp_path / "embedded")
    judged(notes, ["--data", str(tmp_path / "embedded")], through, upto, patient.COMMAND)
