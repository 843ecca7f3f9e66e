"""A whole server that speaks TLS, as clients know it: boto3, the AWS CLI, Node.js."""

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.pace import HANGS_SECONDS
from tests.process import STATORDB, ServerProcess


class Served(NamedTuple):
    """A server under --auth iam, with one key."""

    port: int
    authority: str
    keys: dict[str, str]
    directory: Path

    def client(self, service: str = "dynamodb", verify: str | None = None) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"https://localhost:{self.port}",
            region_name="eu-west-1",
            verify=verify or self.authority,
            config=Config(retries={"total_max_attempts": 1}),
            **self.keys,
        )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("tls")
    made = subprocess.run(
        [str(STATORDB), "credentials", "create", "--data", str(data), "--json"],
        check=True,
        capture_output=True,
        timeout=HANGS_SECONDS,
    )
    key = json.loads(made.stdout)
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    with ServerProcess("--data", str(data), "--auth", "iam", "--tls", "auto", "--workers", "2") as process:
        assert process.url.startswith("https://127.0.0.1:")
        authority = data / "tls" / "ca.pem"
        assert re.search(rf"^StatorDB ready on \S+ \(authority: {authority}\)$", process.shown(), re.MULTILINE)
        yield Served(int(process.url.rpartition(":")[2]), str(authority), keys, data)


def test_boto3_knows_the_server_by_its_authority(served: Served) -> None:
    client = served.client()
    client.create_table(
        TableName="tls",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
    )
    item = {"k": {"S": "a"}, "v": {"B": os.urandom(300_000)}}
    client.put_item(TableName="tls", Item=item)
    assert client.get_item(TableName="tls", Key={"k": {"S": "a"}})["Item"] == item
    assert client.scan(TableName="tls")["Count"] == 1
    with pytest.raises(ClientError, match="ResourceNotFound"):
        client.describe_table(TableName="none")


def test_the_cli_does_too(served: Served, tools: Path) -> None:
    environment = os.environ | {key.upper(): value for key, value in served.keys.items()}
    words = [
        str(tools / "awscli" / "bin" / "aws"),
        "--region",
        "eu-west-1",
        "--endpoint-url",
        f"https://127.0.0.1:{served.port}",
    ]
    asked = subprocess.run(
        [*words, "--ca-bundle", served.authority, "dynamodb", "list-tables"],
        env=environment,
        check=True,
        capture_output=True,
        timeout=HANGS_SECONDS,
    )
    assert "TableNames" in json.loads(asked.stdout)


def test_node_does_too(served: Served) -> None:
    script = f"fetch('https://localhost:{served.port}/').then(r => r.text()).then(console.log)"
    environment = os.environ | {"NODE_EXTRA_CA_CERTS": served.authority}
    command = ["node", "-e", script]
    asked = subprocess.run(command, env=environment, check=True, capture_output=True, timeout=HANGS_SECONDS)
    assert asked.stdout.startswith(b"healthy: ")


def test_plain_http_gets_nothing(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), HANGS_SECONDS) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            assert b"HTTP" not in plain.recv(1000)
        except ConnectionResetError:
            pass
