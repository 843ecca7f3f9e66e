"""A server that is watched for loops that stand and locks that are kept, while somebody asks much of it."""

import http.client
import json
import os
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
from tests.pace import until
from tests.slowness import is_exact, slowness

import servers
from load import Client, LoadFailed
from servers import Launch, Running

LOAD_SECONDS = 0.4  # what was asked in it is answered, however long that takes
LOG_TAIL = 8000  # characters of a server's log that are shown with a failure
TRIES = 6  # a loop that stands for a request's sake stands each time
LENIENT_TIMES = 3.0  # as long as the bound may a loop compute in a run of everything, where others are in the way
LOCK = "write lock"  # among the processes: how often it was held for too long
ROOT = Path(__file__).parents[2]
CASSANDRA = pytest.param("cassandra", marks=pytest.mark.cassandra)  # among the engines of a fixture
SERVED = ("worker", "keeper")  # processes that light requests wait for; a lane's loop may stand
SEEN = (*SERVED, LOCK)

ADMIN = re.compile(r"admin_url\W+http://([0-9.]+:[0-9]+)")
STALLS = re.compile(r'^statordb_loop_stalls_total\{cause="busy",process="([a-z]+)[^"]*"\} ([0-9.]+)$', re.MULTILINE)


class Watched:
    """A server, and its own word on how often its loops stood, and its write lock was held."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self._held = held_file(running.directory / "data")
        log = running.directory / "log"
        until(lambda: ADMIN.search(log.read_text(encoding="utf-8")) is not None, "the server logs its start")
        self._admin = ADMIN.findall(log.read_text(encoding="utf-8"))[0]

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


def on_cassandra(request: pytest.FixtureRequest) -> Launch:
    """A server on the cluster of all tests, in a keyspace of its own for each module."""
    hosts = request.getfixturevalue("cassandra_hosts")
    module = request.path.stem.removeprefix("test_")
    return servers.statordb_on_cassandra("hostile", hosts, "dc1", f"sd_hostile_{module}_{os.getpid()}")


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


class Load(Protocol):
    """What is asked, from `start` to `end`."""

    def start(self) -> None: ...

    def end(self) -> object: ...


def log_of(running: Running) -> str:
    """The end of what a server has logged."""
    return (running.directory / "log").read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:]


@contextmanager
def told(running: Running) -> Iterator[None]:
    """A request that is not served fails with what the server has logged of it."""
    try:
        yield
    except LoadFailed as fault:
        pytest.fail(f"{fault}\nthe server's log:\n{log_of(running)}")


class Light(threading.Thread):
    """Somebody else: a get and a put now and then, each of which is answered."""

    def __init__(self, running: Running) -> None:
        super().__init__(daemon=True)
        self._running = running
        self._stopped = threading.Event()
        self._fault: LoadFailed | None = None

    def run(self) -> None:
        client = Client(self._running.host, servers.signer())
        key = {"pk": {"S": "k1"}}
        try:
            while not self._stopped.wait(0.005):
                client.call("GetItem", json.dumps({"TableName": "small", "Key": key}).encode())
                client.call("PutItem", json.dumps({"TableName": "small", "Item": {"pk": {"S": "light"}}}).encode())
        except LoadFailed as fault:
            self._fault = fault

    def end(self) -> None:
        self._stopped.set()
        self.join()
        if self._fault is not None:
            raise self._fault


def stood(watched: Watched, load: Load) -> Counter[str]:
    """How often loops that serve stood, or the write lock was held, under a load beside a light client."""
    before = watched.stalls()
    other = Light(watched.running)
    other.start()
    load.start()
    time.sleep(LOAD_SECONDS)
    load.end()
    with told(watched.running):
        other.end()
    return Counter({process: times for process, times in (watched.stalls() - before).items() if process in SEEN})


def must_not_stand(watched: Watched, load: Callable[[], Load]) -> None:
    seen = []
    for _ in range(TRIES):
        seen.append(stood(watched, load()))
        if not seen[-1]:
            return
    pytest.fail(f"a loop stood, or the lock was kept, each time: {seen}\n{log_of(watched.running)}")
