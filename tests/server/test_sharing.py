"""Two servers on one store tell each other what they spend, round by round."""

import asyncio
import time
from pathlib import Path

import pytest
from tests.store.kit import Kit

from statordb.metering.shared_buckets import SharedBuckets, Terms
from statordb.server.sharing import SharingTask

TERMS = Terms(5, 1500, 1)


class Server:
    def __init__(self, kit: Kit, name: str) -> None:
        self.buckets = SharedBuckets(1, 0x9E3779B97F4A7C15)
        self.task = SharingTask(kit.store, self.buckets, name)
        self.bucket = self.buckets.of_process(0, time.monotonic).bucket(77, TERMS)

    def spend(self, units: float) -> None:
        self.bucket.renew(0)
        self.bucket.left -= units
        self.bucket.renew(0)


def test_what_one_server_spends_the_other_has_not(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    one, two = Server(kit, "one"), Server(kit, "two")
    for server in (one, two, one, two, one):
        server.spend(100)
        kit.run(server.task.round())
        kit.clock.advance(0.5)
    kit.run(two.task.round())
    assert two.bucket.renew(0) < 1500 - 200 - 100  # what it has spent itself, and most of what the other has
    kit.close()


def test_a_round_that_fails_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cluster may be away for a while."""
    kit = Kit(tmp_path)
    server = Server(kit, "one")
    rounds = []

    async def fail() -> None:
        rounds.append(1)
        raise OSError("away")

    monkeypatch.setattr("statordb.server.sharing.ROUND_SECONDS", 0.0)
    monkeypatch.setattr(server.task, "round", fail)

    async def run() -> None:
        server.task.start()
        while len(rounds) < 3:
            await asyncio.sleep(0)
        await server.task.stop()

    kit.run(run())
    kit.close()
