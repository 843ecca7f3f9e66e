"""The programs of the documentation run as they stand there, in an empty directory, against a new server."""

import contextlib
import os
import re
from pathlib import Path
from typing import Any

import pytest
from tests.moto_server import MotoServer
from tests.pace import until
from tests.process import ServerProcess

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
    """That of the README runs in test_docs, that of coming-from.md in a test of its own."""
    with_programs = {page.name for page in ROOT.glob("docs/**/*.md") if PROGRAM.search(page.read_text())}
    assert with_programs == {"streams.md", "lambda.md", "triggers.md", "kinesis.md", "kms.md", "coming-from.md"}


@pytest.mark.parametrize("page", ["streams.md", "lambda.md", "kms.md"])
def test_a_page_prints_what_it_says(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    with ServerProcess("--memory", "--workers", "1") as server:
        _, printed = run(page, server.url)
    assert printed
    assert capsys.readouterr().out.strip() == printed


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
