"""No heavy request makes an event loop stand, or keeps the write lock: whatever one client asks, the others are
answered in between.

How long others wait is measured by `make bench` (isolation); here is looked at what makes them wait, as the server
itself counts it: loops that computed for 20 ms and longer in one go, and holders of the write lock that computed for 5,
on a machine as fast as tests/slowness.py compares others with. What the machine is busy with does not count, nor how
long the disk takes.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.hostile.watching import (
    CASSANDRA,
    ROOT,
    Watched,
    as_slow_as_here,
    must_not_stand,
    on_cassandra,
    stood,
    told,
)
from tests.pace import much

import heavy
import servers
from isolation import Load, fill
from load import Client
from servers import Running

# Several servers of one cluster are alike, and filling it takes long: fewer rows make fewer pages, each as heavy.
CLUSTER_SHARE = 0.1

pytestmark = pytest.mark.slow  # a real server, and a second or more for each case

# Tagging holds up others by their guards, and no loop: tests/engine/lmdb/test_writer.py looks at that.
# One worker is asked all of it. What is done before a store is asked is done in the same way everywhere.
CASES = [
    pytest.param(where, case, id=f"{where}-{case.name}", marks=marks)
    for where, marks, cases in (
        ("1 worker", (), heavy.cases),
        ("2 workers", (), much(heavy.written, heavy.cases)),
        ("cassandra", (pytest.mark.cassandra,), much(heavy.stored, heavy.cases)),
    )
    for case in cases()
    if heavy.TAGGING not in case.name
]


@pytest.fixture(scope="module", params=["1 worker", "2 workers", CASSANDRA])
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    share = 1.0
    if request.param == "cassandra":
        launch, share = on_cassandra(request), CLUSTER_SHARE
    else:
        launch = servers.statordb("hostile", "--workers", request.param[0])
    with Running(as_slow_as_here(launch), tmp_path_factory.mktemp("hostile")) as running:
        with told(running):
            fill(running, share)
        yield Watched(running)


@pytest.mark.parametrize(("watched", "case"), CASES, indirect=["watched"], scope="module")
def test_no_loop_that_serves_stands_and_no_lock_is_kept(watched: Watched, case: heavy.Heavy) -> None:
    must_not_stand(watched, lambda: Load(watched.running, case))


def test_a_loop_that_stands_is_found(tmp_path: Path) -> None:
    """The alarm works: without lanes a worker does all that is heavy itself."""
    launch = servers.statordb("without lanes", "--workers", "1")
    launch = replace(launch, environment={**launch.environment, "STATORDB_LANES": "0"})
    with Running(as_slow_as_here(launch), tmp_path / "server") as running:
        fill(running, 0.1)
        watched = Watched(running)
        # Each of them is checked, or planned, in one go, which takes a tenth of a second and longer.
        names = {"1,000,000 AttributesToGet", "transaction of conditions that compare lists"}
        cases = [case for case in heavy.cases() if case.name in names]
        assert any(stood(watched, Load(watched.running, case)) for case in cases)


def test_a_lock_that_is_kept_is_found(tmp_path: Path) -> None:
    """The alarm works: a machine that is said to be a thousand times as fast has every write keep the lock."""
    path = tmp_path / "held"
    times = "0.001"

    def command(port: int, data: Path) -> list[str]:
        _, *words = servers.statordb("fast", "--workers", "1").command(port, data)
        return [sys.executable, "-m", "tests.hostile.slower", times, str(path), *words]

    launch = replace(servers.statordb("fast"), command=command)
    with Running(
        replace(launch, environment={**launch.environment, "PYTHONPATH": str(ROOT)}), tmp_path / "server"
    ) as running:
        client = Client(running.host, servers.signer())
        client.call("CreateTable", json.dumps(heavy.schema("small")).encode())
        client.call("PutItem", json.dumps({"TableName": "small", "Item": {"pk": {"S": "a"}}}).encode())
    assert path.read_text().count("\n") >= 2


def test_everybody_is_served_afterwards(watched: Watched) -> None:
    client = Client(watched.running.host, servers.signer())
    got = client.call("GetItem", json.dumps({"TableName": "small", "Key": {"pk": {"S": "k1"}}}).encode())
    assert got["Item"]["pk"] == {"S": "k1"}
