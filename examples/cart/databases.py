"""The database that the demo runs on: one StatorDB server on this machine's disk, or two on a Cassandra cluster."""

import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from processes import free_port, started

ROOT = Path(__file__).resolve().parents[2]
STATORDB = Path(sys.executable).with_name("statordb")
CLUSTER = "tests.cassandra.cluster.cluster"
NETWORK = "127.0.5"  # of the nodes' addresses: not that of `make cluster`
DATACENTER = "dc1"
CLUSTER_SECONDS_MAX = 300
SCHEMA_SECONDS_MAX = 300  # the first start on a cluster makes some twenty tables, up to 4 s each
LOG_TAIL_CHARACTERS = 2000
NODES = re.compile(r"serves on (.+)$", re.MULTILINE)
LIVING = re.compile(r"^(\S+) serves, process (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Database:
    """Where its servers are asked. `harm` breaks something in the middle of a run, and says what."""

    endpoints: list[str]
    harm: Callable[[], str] | None = None


def on_disk(stack: ExitStack, work: Path) -> Database:
    """One server of all cores with a store in `work`."""
    return Database([_serve(stack, work / "data")])


def on_cassandra(stack: ExitStack, work: Path) -> Database:
    """Two servers on a new cluster of three nodes, with three copies of all; one node is killed later."""
    directory = work / "cluster"
    stack.callback(_cluster, "remove", directory)
    found = NODES.search(_cluster("start", directory))
    assert found is not None, "the cluster did not say where it serves"
    hosts = found[1].replace(" ", "")
    options = ["--workers", "1", "--engine", "cassandra", "--cassandra", hosts, "--datacenter", DATACENTER]
    first, second = work / "first", work / "second"
    endpoints = [_serve(stack, first, *options)]
    second.mkdir()
    shutil.copy(first / "keys.json", second)  # what one server seals the other must be able to open
    endpoints.append(_serve(stack, second, *options))
    return Database(endpoints, lambda: _kill_a_node(directory))


def _serve(stack: ExitStack, data: Path, *options: str) -> str:
    """The URL of a new server that keeps what is its own in `data`."""
    port = free_port()
    command = [str(STATORDB), "serve", "--port", str(port), "--admin-port", "0", "--data", str(data), *options]
    log = data.with_name(f"{data.name}.log")
    stack.enter_context(started(command, dict(os.environ), port, log, SCHEMA_SECONDS_MAX))
    url = f"http://127.0.0.1:{port}"
    # It takes connections before its store is open, and answers afterwards.
    try:
        urllib.request.urlopen(url, timeout=SCHEMA_SECONDS_MAX).close()
    except OSError:
        sys.exit(f"StatorDB did not start:\n{log.read_text(errors='replace')[-LOG_TAIL_CHARACTERS:]}")
    return url


def _kill_a_node(directory: Path) -> str:
    address, pid = LIVING.findall(_cluster("status", directory))[-1]
    os.kill(int(pid), signal.SIGKILL)
    return f"kill -9 of the Cassandra node {address}"


def _cluster(action: str, directory: Path) -> str:
    where = ["--directory", str(directory), "--network", NETWORK]
    command = [sys.executable, "-m", CLUSTER, action, *where, "--quick"]  # quick: soon at its speed
    ended = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=CLUSTER_SECONDS_MAX, check=True
    )
    return ended.stdout
