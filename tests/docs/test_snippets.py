"""The programs of the documentation run as they stand there, in an empty directory, against a new server."""

import contextlib
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.moto_server import MotoServer
from tests.pace import until
from tests.process import STATORDB, ServerProcess

pytestmark = pytest.mark.slow  # real servers

ROOT = Path(__file__).parents[2]
PROGRAM = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ENDPOINT, KINESIS = "http://localhost:8000", "http://localhost:5000"


@pytest.fixture(autouse=True)
def _nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a reader who has never used AWS: no region, no keys, an empty directory."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.chdir(tmp_path)


def run(page: str, endpoint: str, kinesis: str = KINESIS) -> tuple[dict[str, Any], str]:
    """The names that a page's programs leave behind, and what they say that they print."""
    programs = "\n".join(PROGRAM.findall((ROOT / "docs" / page).read_text()))
    names: dict[str, Any] = {}
    exec(programs.replace(ENDPOINT, endpoint).replace(KINESIS, kinesis), names)
    return names, "\n".join(re.findall(r"print\(.*\)  # (.*)", programs))


def test_no_program_is_left_out() -> None:
    """That of the README runs in test_docs, those of coming-from.md and testing.md in tests of their own."""
    with_programs = {page.name for page in ROOT.glob("docs/**/*.md") if PROGRAM.search(page.read_text())}
    pages = {"capacity", "streams", "lambda", "triggers", "kinesis", "kms", "identities", "coming-from", "testing"}
    assert with_programs == {f"{name}.md" for name in pages}


@pytest.mark.parametrize("page", ["capacity.md", "streams.md", "lambda.md", "kms.md"])
def test_a_page_prints_what_it_says(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    with ServerProcess("--memory", "--workers", "1") as server:
        _, printed = run(page, server.url)
    assert printed
    assert capsys.readouterr().out.strip() == printed


def test_the_identities_of_the_page_may_what_it_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other account's part is the page's last sentence: its root reads the table by its ARN."""
    page = (ROOT / "docs/identities.md").read_text()
    key, secret = re.findall(r'^root = .*"AccessKeyId": "(.*)", "SecretAccessKey": "(.*)"', page, re.MULTILINE)[0]
    monkeypatch.setenv("STATORDB_ROOT_ACCESS_KEY_ID", key)
    monkeypatch.setenv("STATORDB_ROOT_SECRET_ACCESS_KEY", secret)
    with ServerProcess("--data", "data", "--workers", "1", "--auth", "iam") as server:
        names, printed = run("identities.md", server.url)
        made = subprocess.run(
            [STATORDB, "credentials", "create", "--data", "data", "--account", "222222222222", "--json"],
            check=True,
            capture_output=True,
        )
        reader = boto3.client(
            "dynamodb",
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id=json.loads(made.stdout)["AccessKeyId"],
            aws_secret_access_key=json.loads(made.stdout)["SecretAccessKey"],
        )
        found = reader.get_item(TableName=names["table"], Key={"user": {"S": "alice"}})
    assert capsys.readouterr().out.strip() == printed
    assert found["Item"]["total"] == {"N": "12"}


def test_the_trigger_of_the_page_is_pulled() -> None:
    with ServerProcess("--memory", "--workers", "1") as server:
        names, _ = run("triggers.md", server.url)

        def done() -> bool:
            mapping = names["functions"].get_event_source_mapping(UUID=names["mapping"]["UUID"])
            return bool(mapping.get("LastProcessingResult") == "OK")

        until(done, "the function has run")


def test_the_destination_of_the_page_gets_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(MotoServer()) as moto:
        monkeypatch.setenv("STATORDB_KINESIS_ENDPOINT", moto.url)
        with ServerProcess("--memory", "--workers", "1") as server:
            names, _ = run("kinesis.md", server.url, moto.url)
            names["dynamodb"].put_item(TableName="carts", Item={"user": {"S": "ann"}})
            shard = names["kinesis"].list_shards(StreamName="changes")["Shards"][0]["ShardId"]

            def arrived() -> bool:
                place = {"StreamName": "changes", "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
                iterator = names["kinesis"].get_shard_iterator(**place)["ShardIterator"]
                return bool(names["kinesis"].get_records(ShardIterator=iterator)["Records"])

            until(arrived, "the change has arrived")
