"""No heavy request makes an event loop stand, or keeps the write lock: whatever one client asks, the others are
answered in between.

How long others wait is measured by `make bench` (isolation); here is looked at what makes them wait, as the server
itself counts it: loops that computed for 20 ms and longer in one go, and holders of the write lock that computed for 5,
on a machine as fast as tests/slowness.py compares others with. What the machine is busy with does not count, nor how
long the disk takes.
"""

import http.client
import json
import os
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.pace import until
from tests.slowness import is_exact, slowness

import heavy
import servers
from heavy import Heavy
from isolation import Load, fill
from load import Client
from servers import Launch, Running

LOAD_SECONDS = 0.7
TRIES = 6  # a loop that stands for a request's sake stands each time
LENIENT_TIMES = 3.0  # as long as the bound may a loop compute in a run of everything, where others are in the way
LOCK = "write lock"  # among the processes: how often it was held for too long
ROOT = Path(__file__).parents[2]
SERVED = ("worker", "keeper")  # processes that light requests wait for; a lane's loop may stand
SEEN = (*SERVED, LOCK)
# Several servers of one cluster are alike, and filling it takes long: fewer rows make fewer pages, each as heavy.
CLUSTER_SHARE = 0.25
KEYSPACE = f"sd_hostile_{os.getpid()}"

pytestmark = pytest.mark.slow  # a real server, and a second or more for each case

ADMIN = re.compile(r"admin_url\W+http://([0-9.]+:[0-9]+)")
# Tagging holds up others by their guards, and no loop: tests/engine/lmdb/test_writer.py looks at that.
CASES = {case.name: case for case in heavy.cases() if heavy.TAGGING not in case.name}
STALLS = re.compile(r'^statordb_loop_stalls_total\{cause="busy",process="([a-z]+)[^"]*"\} ([0-9.]+)$', re.MULTILINE)


class Watched:
    """A server with full tables, and its own word on how often its loops stood, and its write lock was held."""

    def __init__(self, running: Running, share: float) -> None:
        self.running = running
        self._held = held_file(running.directory / "data")
        log = running.directory / "log"
        until(lambda: ADMIN.search(log.read_text(encoding="utf-8")) is not None, "the server logs its start")
        self._admin = ADMIN.findall(log.read_text(encoding="utf-8"))[0]
        fill(running, share)

    def stalls(self) -> Counter[str]:
        """How often loops stood so far, by kind of process; and how often the write lock was held for too long."""
        connection = http.client.HTTPConnection(self._admin)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        counted: Counter[str] = Counter()
        for process, times in STALLS.findall(text):
            counted[process] += int(float(times))
        counted[LOCK] = len(self._held.read_bytes().splitlines())
        return counted


def held_file(data: Path) -> Path:
    """Where a server with its data there notes who held the write lock for too long."""
    return data.parent / "held"


def as_slow_as_here(launch: Launch) -> Launch:
    """The same server, which counts as standing, and notes as held, what takes as much longer here."""
    times = slowness() * (1.0 if is_exact() else LENIENT_TIMES)
    slower = [sys.executable, "-m", "tests.hostile.slower", f"{times:.1f}"]

    def command(port: int, data: Path) -> list[str]:
        _, *words = launch.command(port, data)
        return [*slower, str(held_file(data)), *words]

    return replace(launch, command=command, environment={**launch.environment, "PYTHONPATH": str(ROOT)})


@pytest.fixture(scope="module", params=["1 worker", "2 workers", "cassandra"])
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    share = 1.0
    if request.param == "cassandra":
        hosts = request.getfixturevalue("cassandra_hosts")
        launch = servers.statordb_on_cassandra("hostile", hosts, "dc1", KEYSPACE)
        share = CLUSTER_SHARE
    else:
        launch = servers.statordb("hostile", "--workers", request.param[0])
    with Running(as_slow_as_here(launch), tmp_path_factory.mktemp("hostile")) as running:
        yield Watched(running, share)


def light(running: Running, stopped: threading.Event) -> None:
    """Somebody else: a get and a put now and then, each of which is answered."""
    client = Client(running.host, servers.signer())
    key = {"pk": {"S": "k1"}}
    while not stopped.is_set():
        client.call("GetItem", json.dumps({"TableName": "small", "Key": key}).encode())
        client.call("PutItem", json.dumps({"TableName": "small", "Item": {"pk": {"S": "light"}}}).encode())
        time.sleep(0.005)


def stood(watched: Watched, case: Heavy) -> Counter[str]:
    """How often loops that serve stood, or the write lock was held, while two connections repeated a heavy request
    beside a light client."""
    before = watched.stalls()
    stopped = threading.Event()
    other = threading.Thread(target=light, args=(watched.running, stopped), daemon=True)
    other.start()
    load = Load(watched.running, case)
    load.start()
    time.sleep(LOAD_SECONDS)
    load.end()
    stopped.set()
    other.join()
    return Counter({process: times for process, times in (watched.stalls() - before).items() if process in SEEN})


@pytest.mark.parametrize("name", CASES)
def test_no_loop_that_serves_stands_and_no_lock_is_kept(watched: Watched, name: str) -> None:
    seen = []
    for _ in range(TRIES):
        seen.append(stood(watched, CASES[name]))
        if not seen[-1]:
            return
    pytest.fail(f"a loop stood, or the lock was kept, each time: {seen}")


def test_a_loop_that_stands_is_found(tmp_path: Path) -> None:
    """The alarm works: without lanes a worker does all that is heavy itself."""
    launch = servers.statordb("without lanes", "--workers", "1")
    launch = replace(launch, environment={**launch.environment, "STATORDB_LANES": "0"})
    with Running(as_slow_as_here(launch), tmp_path / "server") as running:
        watched = Watched(running, 0.1)
        # Each of them is checked, or planned, in one go, which takes a tenth of a second and longer.
        names = ("1,000,000 AttributesToGet", "transaction of conditions that compare lists")
        assert any(stood(watched, CASES[name]) for name in names)


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
