"""The pytest plugin, as projects use it: runs of pytest of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.pace import HANGS_SECONDS

ROOT = Path(__file__).parents[2]
AIOBOTOCORE = next(iter((ROOT / ".tools/aioboto3/lib").glob("python*/site-packages")), None)

EACH = """
import json, os
import boto3, pytest

SONGS = {"key": {"artist": "S"}, "items": [{"artist": "Nina", "plays": 1}]}

@pytest.mark.parametrize("turn", range(3))
def test_an_account_is_empty(statordb, dynamodb_client, turn):
    assert dynamodb_client.list_tables()["TableNames"] == []
    statordb.seed({"songs": SONGS})

def test_a_resource(statordb, dynamodb_resource):
    statordb.seed({"songs": SONGS})
    assert dynamodb_resource.Table("songs").get_item(Key={"artist": "Nina"})["Item"]["plays"] == 1

def test_both_are_of_one_account(statordb, dynamodb_client, dynamodb_resource):
    statordb.seed({"songs": SONGS})
    assert dynamodb_client.scan(TableName="songs")["Count"] == dynamodb_resource.Table("songs").scan()["Count"] == 1

def test_code_that_makes_its_own_client(statordb_environment):
    boto3.client("dynamodb").list_tables()
    assert len(statordb_environment.requests.of("ListTables")) == 1

def test_the_clock_is_moved(statordb):
    assert statordb.clock.advance(days=3) > statordb.clock.now() - 60

def test_the_clock_is_back_for_the_next_test(statordb):
    import time
    assert abs(statordb.clock.now() - time.time()) < 3600
"""
NOTHING = """
import sys

def test_nothing_is_loaded_that_nobody_asks_for():
    assert not {"boto3", "botocore", "aiobotocore", "statordb.testing.controls", "statordb.server"} & set(sys.modules)
"""
AWAITED = """
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_a_client_that_is_awaited(statordb, aio_dynamodb_client):
    statordb.seed({"songs": {"key": {"artist": "S"}, "items": [{"artist": "Nina"}]}})
    assert (await aio_dynamodb_client.scan(TableName="songs"))["Count"] == 1
"""
SMALL = """
import pytest

@pytest.mark.parametrize("number", range(200))
def test_small(statordb, dynamodb_client, number):
    statordb.seed({"songs": {"key": {"id": "S"}, "items": [{"id": "a", "number": number}]}})
    assert dynamodb_client.get_item(TableName="songs", Key={"id": {"S": "a"}})["Item"]["number"] == {"N": str(number)}
"""


def run(directory: Path, program: str, *options: str, path: Path | None = None) -> str:
    """What pytest says of a file of tests, all of which come through."""
    (directory / "test_it.py").write_text(program)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST_"))}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    plugin = ("-p", "statordb.testing.plugin", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", "-q", *plugin, *options, str(directory)]
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=HANGS_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow  # a real server
def test_every_fixture_works(tmp_path: Path) -> None:
    assert "8 passed" in run(tmp_path, EACH)


@pytest.mark.slow  # pytest in a process of its own
def test_who_does_not_use_it_pays_nothing(tmp_path: Path) -> None:
    assert "1 passed" in run(tmp_path, NOTHING)


@pytest.mark.slow  # a real server
@pytest.mark.skipif(AIOBOTOCORE is None, reason="aiobotocore is one of the tools of `make test`")
def test_a_client_of_aiobotocore_is_awaited(tmp_path: Path) -> None:
    assert "1 passed" in run(tmp_path, AWAITED, path=AIOBOTOCORE)


@pytest.mark.slow  # real servers
def test_two_hundred_tests_run_in_two_processes_with_a_server_each(tmp_path: Path) -> None:
    assert "200 passed" in run(tmp_path, SMALL, "-n", "2")


@pytest.mark.slow  # a real server
def test_a_server_that_runs_already_is_shared(tmp_path: Path) -> None:
    from tests.process import ServerProcess

    with ServerProcess("--memory", "--workers", "1", "--test-controls") as server:
        assert "8 passed" in run(tmp_path, EACH, "-n", "2", "--dist", "loadscope", "--statordb-url", server.url)


def test_the_entry_point_names_the_plugin() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"statordb.testing.plugin": "statordb.testing.plugin"}
