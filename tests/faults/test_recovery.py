"""Restores to random seconds while nodes are killed: each is exactly what was acknowledged until then."""

import os
import random
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.archive import seconds
from tests.archive.judge import Notes, begin, end, written
from tests.archive.on_cassandra import Servers
from tests.pace import SOAK, until
from tests.raw import Connection

if TYPE_CHECKING:
    from tests.cassandra.cluster.cluster import Cluster

ROUNDS = 6
STILL = 500
WRITERS = 4  # on each of two servers
WRITTEN_MIN = 40  # transactions between two faults

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]


@pytest.mark.skipif(SOAK not in os.environ, reason="a long history; one server is killed in tests/archive")
def test_any_second_of_a_cluster_comes_back_though_cassandra_nodes_are_killed(
    breakable_cassandra: "Cluster", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATORDB_ARCHIVE_SECONDS", "0.5")
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown where the test fails
    chance = random.Random(seed)
    notes = [Notes() for _ in range(2 * WRITERS)]
    servers = Servers(breakable_cassandra.hosts, tmp_path, f"sd_recovery_{os.getpid()}")
    try:
        one, other = servers(), servers()
        connection = Connection(one.url)
        seconds.make(connection, STILL)
        writers = begin(one.url, notes[:WRITERS]) + begin(other.url, notes[WRITERS:], WRITERS)
        until(partial(seconds.is_kept, connection, seconds.times(connection)[0] + 1), "a second can be had", 0.2)
        canaries = 0
        for turn in range(ROUNDS):
            node = chance.choice(breakable_cassandra.nodes)
            node.kill()
            _write_on(notes)
            canaries += seconds.restored(connection, notes, STILL, chance, f"again-{turn}")
            breakable_cassandra.start()
            _write_on(notes)
        end(writers)
    finally:
        servers.close()
    assert canaries, "a second is no other one"


def _write_on(notes: list[Notes]) -> None:
    least = written(notes) + WRITTEN_MIN
    until(lambda: written(notes) > least, "writers write on", 0.1)
