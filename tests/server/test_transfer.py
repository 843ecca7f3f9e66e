"""`statordb export` and `statordb import`, against a server, as they are called."""

import gzip
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import orjson
import pytest
from backports import zstd
from tests.process import STATORDB, ServerProcess
from tests.server.test_transfer_files import laid_out

from statordb.exchange.layout import Layout

pytestmark = pytest.mark.slow

ITEMS: list[dict[str, Any]] = [
    {
        "id": {"S": f"item {number}"},
        "n": {"N": str(number * 1000)},
        "b": {"B": bytes([number % 256, 255])},
        "all": {
            "M": {
                "list": {"L": [{"NULL": True}, {"BOOL": False}, {"B": b"\0"}, {"M": {}}]},
                "sets": {"L": [{"SS": ["a", "é"]}, {"NS": ["1", "2.5"]}, {"BS": [b"x", b"y"]}]},
            }
        },
    }
    for number in range(130)
]


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--memory", "--workers", "1") as running:
        yield running


@pytest.fixture
def client(server: ServerProcess) -> Any:
    return boto3.client(
        "dynamodb", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y"
    )


def table(client: Any, name: str, kind: str = "S") -> str:
    """A new one, with an index on a number."""
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": kind},
            {"AttributeName": "year", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "years",
                "KeySchema": [{"AttributeName": "year", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    client.get_waiter("table_exists").wait(TableName=name)
    return name


def statordb(server: ServerProcess, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_REGION": "us-east-1"}
    return subprocess.run(
        [STATORDB, str(words[0]), "--endpoint", server.url, *map(str, words[1:])],
        env={"PATH": os.environ["PATH"], **keys, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def held(client: Any, name: str) -> list[Any]:
    pages = client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True)
    found = [item for page in pages for item in page["Items"]]
    return sorted(found, key=lambda item: int(item["n"]["N"]))


@pytest.mark.parametrize("ending", ["json", "jsonl.gz", "ion", "ion.gz"])
def test_a_table_goes_to_a_file_and_back(server: ServerProcess, client: Any, tmp_path: Path, ending: str) -> None:
    here, there = table(client, f"here-{ending}"), table(client, f"there-{ending}")
    for item in ITEMS:
        client.put_item(TableName=here, Item=item)
    file = tmp_path / f"file.{ending}"
    exported = statordb(server, "export", here, file)
    assert (exported.returncode, exported.stderr) == (0, "")
    assert exported.stdout.startswith(f"Exported 130 items of {here} to {file} in ")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    imported = statordb(server, "import", file, there)
    assert (imported.returncode, imported.stderr) == (0, "")
    assert imported.stdout.startswith(f"Imported 130 items from {file} to {there} in ")
    assert held(client, there) == held(client, here) == ITEMS


def test_an_export_of_aws_is_imported_as_it_is(server: ServerProcess, client: Any, tmp_path: Path) -> None:
    name = table(client, "from-aws")
    texts = [orjson.dumps({"id": {"S": str(number)}, "n": {"N": str(number)}}) for number in range(60)]
    laid_out(tmp_path, [texts[:30], [], texts[30:]], Layout("p", "01234567890123-a1b2c3d4", "ION"))
    imported = statordb(server, "import", tmp_path, name)
    assert (imported.returncode, imported.stderr) == (0, "")
    assert [item["n"]["N"] for item in held(client, name)] == [str(number) for number in range(60)]


def test_an_incremental_export_puts_and_deletes(server: ServerProcess, client: Any, tmp_path: Path) -> None:
    name = table(client, "changes")
    for text in ("gone", "old"):
        client.put_item(TableName=name, Item={"id": {"S": text}, "n": {"N": "0"}})
    lines = [
        {"Keys": {"id": {"S": "gone"}}, "OldImage": {"id": {"S": "gone"}}},
        {"Keys": {"id": {"S": "old"}}, "NewImage": {"id": {"S": "old"}, "n": {"N": "1"}}},
        {"Keys": {"id": {"S": "new"}}, "NewImage": {"id": {"S": "new"}, "n": {"N": "2"}}},
    ]
    file = tmp_path / "changes.json.zst"
    metadata = {"Metadata": {"WriteTimestampMicros": {"N": "1"}}}
    file.write_bytes(zstd.compress(b"\n".join(orjson.dumps(metadata | line) for line in lines)))
    assert statordb(server, "import", file, name).returncode == 0
    assert [(item["id"]["S"], item["n"]["N"]) for item in held(client, name)] == [("old", "1"), ("new", "2")]


def test_csv_has_the_types_of_keys(server: ServerProcess, client: Any, tmp_path: Path) -> None:
    name = table(client, "csv", "N")
    file = tmp_path / "albums.txt.gz"
    file.write_bytes(gzip.compress(b'1\t1973\t"The ""Dark"" Side"\r\n2\t1975\t\r\n'))
    words = ("--format", "CSV", "--delimiter", "tab", "--header", "id,year,title")
    assert statordb(server, "import", file, name, *words).returncode == 0
    found = client.scan(TableName=name)["Items"]
    assert sorted(found, key=lambda item: str(item["id"])) == [
        {"id": {"N": "1"}, "year": {"N": "1973"}, "title": {"S": 'The "Dark" Side'}},
        {"id": {"N": "2"}, "year": {"N": "1975"}, "title": {"S": ""}},
    ]


def test_what_is_left_out_is_told_with_its_place(server: ServerProcess, client: Any, tmp_path: Path) -> None:
    """A key twice, one that is missing, a value that may not be, and a line that ends the file."""
    name = table(client, "left-out")
    lines = [
        '{"Item":{"id":{"S":"a"},"n":{"N":"1"}}}',
        '{"Item":{"id":{"S":"a"},"n":{"N":"2"}}}',
        '{"Item":{"n":{"N":"3"}}}',
        '{"Item":{"id":{"S":"b"},"n":{"N":"x"}}}',
        '{"Item":{"id":{"S":"c"},"n":{"N":"4"}}}',
        "garbage",
        '{"Item":{"id":{"S":"d"},"n":{"N":"5"}}}',
    ]
    file = tmp_path / "bad.json"
    file.write_text("\n".join(lines))
    imported = statordb(server, "import", file, name, "--parallel", "1")
    assert imported.returncode == 1
    told = imported.stderr.splitlines()
    assert len(told) == 3
    assert "bad.json, line 4: The parameter cannot be converted to a numeric value: x" in told
    assert any(line.startswith("bad.json, line 6: The line is not JSON") for line in told)
    assert any(
        line.startswith("bad.json, item 3: One or more parameter values were invalid: Missing the key id")
        for line in told
    )
    assert ", 3 left out in " in imported.stdout
    assert [item["n"]["N"] for item in held(client, name)] == ["2", "4"]


def test_what_can_not_be_done_is_a_sentence(server: ServerProcess, client: Any, tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text("")
    csv = table(client, "headed")
    for words, code, text in (
        (("export", "nowhere", tmp_path / "x.json"), 1, "ResourceNotFoundException"),
        (("export", "nowhere", tmp_path / "x.csv"), 1, "Tables are exported as"),
        (("import", file, "nowhere"), 1, "ResourceNotFoundException"),
        (("import", tmp_path / "none.json", "nowhere"), 1, "There is no"),
        (("import", file, "nowhere", "--delimiter", "x"), 1, "is none of"),
        (("import", file, csv, "--format", "CSV", "--header", "a,b,a"), 1, "Two columns of the header have one name"),
        (("import", file, csv, "--format", "CSV", "--header", "a,,b"), 1, "A column of the header has no name"),
        (("export", "nowhere", tmp_path / "x.json", "--endpoint", "nonsense"), 1, "Invalid endpoint: nonsense"),
        (("export", "nowhere", tmp_path / "x.json", "--region", "a b"), 1, "region_name"),
        (("import", file, "nowhere", "--parallel", "0"), 2, "is not a number from 1 to 64"),
        (("import", file, "nowhere", "--format", "XML"), 2, "invalid choice"),
    ):
        done = statordb(server, *words)
        assert (done.returncode, done.stdout) == (code, "")
        assert text in done.stderr
        assert done.stderr.count("\n") == 1
    done = statordb(server, "export", "t", tmp_path / "x.json", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert "There are no credentials" in done.stderr
    done = statordb(server, "export", "t", tmp_path / "x.json", AWS_PROFILE="nobody")
    assert done.stderr == "statordb: The config profile (nobody) could not be found\n"
    assert not (tmp_path / "x.json").exists()
