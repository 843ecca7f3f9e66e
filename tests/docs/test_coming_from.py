"""The lines of docs/coming-from.md do what it says, as they stand there."""

import os
import re
import shlex
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from tests.pace import HANGS_SECONDS, PATIENT
from tests.process import STATORDB, ServerProcess

from statordb.server import arguments
from statordb.server.settings import ENVIRONMENT_PREFIX, Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/coming-from.md").read_text()
LINES = re.findall(r"^    ((?:STATORDB_\w+=\S+ )*statordb serve .*)$", PAGE, re.MULTILINE)
FIXTURE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TEST = """
import pytest

@pytest.mark.parametrize("turn", [1, 2])
def test_a_table_is_new_each_time(dynamodb, turn):
    key = {"AttributeName": "p"}
    table = dynamodb.create_table(
        TableName="things",
        KeySchema=[{**key, "KeyType": "HASH"}],
        AttributeDefinitions=[{**key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table.wait_until_exists()
    table.put_item(Item={"p": "a"})
    assert table.scan()["Count"] == 1
"""


def _split(line: str) -> tuple[dict[str, str], list[str]]:
    """The variables of a line, and what follows `statordb serve`."""
    words = shlex.split(line)
    command = words.index("statordb")
    return dict(word.split("=", 1) for word in words[:command]), words[command + 2 :]


def test_every_line_and_variable_is_understood() -> None:
    assert len(LINES) == 8
    for line in LINES:
        variables, options = _split(line)
        assert arguments.parse(["serve", *options])
        for name in variables:
            assert name.removeprefix(ENVIRONMENT_PREFIX).lower() in Settings.__dataclass_fields__
    for name in re.findall(r"STATORDB_(\w+)", PAGE):
        assert name.lower() in Settings.__dataclass_fields__


@pytest.mark.slow  # real servers
@pytest.mark.parametrize("line", [line for line in LINES if "--host" not in line])
def test_a_server_starts_by_the_line(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for its port, which the test does not own."""
    variables, options = _split(line)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    options = [option for option in options if not option.isdigit() and option != "--port"]
    with ServerProcess(*options) as server:
        assert _status(server.url) == int(variables.get("STATORDB_HEALTH_STATUS", "200"))
        made, listed = (_client(server.url, region) for region in ("us-east-1", "local-env"))
        made.create_table(
            TableName="things",
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        seen = listed.list_tables()["TableNames"] if "--shared-db" in options else []
        assert seen == (["things"] if "--shared-db" in options else [])


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=HANGS_SECONDS) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code


def _client(url: str, region: str):  # type: ignore[no-untyped-def]  # boto3's classes are made as it runs
    return boto3.client("dynamodb", endpoint_url=url, region_name=region, config=Config(**PATIENT))


@pytest.mark.slow  # a real server
def test_the_fixture_takes_the_place_of_a_mock(tmp_path: Path) -> None:
    (program,) = FIXTURE.findall(PAGE)
    (tmp_path / "conftest.py").write_text(program)
    (tmp_path / "test_things.py").write_text(TEST)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST_"))}
    environment["PATH"] = f"{STATORDB.parent}{os.pathsep}{environment['PATH']}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=HANGS_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
