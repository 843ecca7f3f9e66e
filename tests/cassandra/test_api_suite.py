"""The whole API, as clients see it, of two workers over a cluster: the suite that every server has to pass."""

import secrets
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cassandra import patient
from tests.process import ServerProcess

if TYPE_CHECKING:
    from tests.cassandra.cluster.cluster import Cluster

ROOT = Path(__file__).parents[2]
SUITE_SECONDS_MAX = 5400


@pytest.mark.timeout(SUITE_SECONDS_MAX + 60)
def test_the_api_suite_passes(cassandra: "Cluster", tmp_path: Path) -> None:
    contact = ("--cassandra", ",".join(cassandra.hosts), "--datacenter", cassandra.datacenter)
    store = ("--engine", "cassandra", *contact, "--keyspace", f"suite_{secrets.token_hex(4)}")
    command = (*patient.COMMAND, patient.ALONE)
    with ServerProcess(*store, "--data", str(tmp_path), "--workers", "2", command=command) as server:
        suite = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:xdist", "tests/api_suite", "--url", server.url],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=SUITE_SECONDS_MAX,
        )
    assert suite.returncode == 0, f"{suite.stdout[-20_000:]}\nthe server's log:\n{server.logged()[-20_000:]}"
    assert " passed" in suite.stdout
    assert " failed" not in suite.stdout
