"""What policies are for, by SDK alone: a user who may only touch its own items, some attributes, over TLS, through one
endpoint. Each way round it is refused with AWS's type and text."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.pace import HANGS_SECONDS, PATIENT, until
from tests.process import STATORDB, ServerProcess

ACCOUNT = "000000000000"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/notes"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
ENDPOINT = "vpce-0a1b2c3d"
ITEM_ACTIONS = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "BatchGetItem", "BatchWriteItem"]
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [f"dynamodb:{action}" for action in ITEM_ACTIONS],
            "Resource": TABLE,
            "Condition": {
                "ForAllValues:StringEquals": {
                    "dynamodb:LeadingKeys": ["${aws:username}"],
                    "dynamodb:Attributes": ["owner", "title"],
                },
                "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
                "Bool": {"aws:SecureTransport": "true"},
                "StringEquals": {"aws:SourceVpce": ENDPOINT},
            },
        }
    ],
}

pytestmark = pytest.mark.slow  # a real server


class Place(NamedTuple):
    """A server: its address, that of its endpoint, its authority's certificate, and root's keys."""

    url: str
    endpoint: str
    authority: str
    root: dict[str, str]

    def client(self, service: str, keys: dict[str, str], url: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            verify=self.authority,
            config=Config(retries={"total_max_attempts": 1}, **PATIENT),
        )


def endpoint_of(server: ServerProcess) -> str:
    """Where the endpoint is, as the server logs it once it is ready."""

    def told() -> str | None:
        found = [line for line in server.logged().splitlines() if '"server started"' in line]
        return str(json.loads(found[0])["endpoints"][ENDPOINT]) if found else None

    return until(told, "the log tells where the endpoint is")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory: Path = tmp_path_factory.mktemp("place")
    data, config = directory / "data", directory / "statordb.toml"
    config.write_text(f'[[endpoints]]\nid = "{ENDPOINT}"\nvpc = "vpc-1"\nport = 0\n')
    command = [str(STATORDB), "credentials", "create", "--data", str(data), "--json"]
    root = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=HANGS_SECONDS).stdout)
    words = ("--data", str(data), "--config", str(config), "--auth", "iam", "--tls", "auto", "--workers", "1")
    with ServerProcess(*words, "--no-functions", "--log-format", "json") as server:
        told = endpoint_of(server)
        made = Place(server.url, told, str(data / "tls" / "ca.pem"), root)
        made.client("dynamodb", root, server.url).create_table(
            TableName="notes",
            KeySchema=[{"AttributeName": "owner", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "owner", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield made


@pytest.fixture(scope="module")
def alice(place: Place) -> dict[str, str]:
    iam = place.client("iam", place.root, place.url)
    iam.create_user(UserName="alice")
    iam.put_user_policy(UserName="alice", PolicyName="own", PolicyDocument=json.dumps(POLICY))
    keys: dict[str, str] = iam.create_access_key(UserName="alice")["AccessKey"]
    return keys


def refused(call: Any, **members: Any) -> str:
    """The action that is refused."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    text = error["Message"]
    told = re.match(rf"User: {ALICE} is not authorized to perform: dynamodb:(\w+) on resource: \S+ because no ", text)
    assert told is not None, text
    return told[1]


def test_what_is_allowed_can_be_done(place: Place, alice: dict[str, str]) -> None:
    own = place.client("dynamodb", alice, place.endpoint)
    own.put_item(TableName="notes", Item={"owner": {"S": "alice"}, "title": {"S": "mine"}})
    key = {"owner": {"S": "alice"}}
    found = own.get_item(TableName="notes", Key=key, ProjectionExpression="title")
    assert found["Item"] == {"title": {"S": "mine"}}
    own.update_item(
        TableName="notes", Key=key, UpdateExpression="SET title = :t", ExpressionAttributeValues={":t": {"S": "other"}}
    )


def test_every_way_round_is_refused(place: Place, alice: dict[str, str]) -> None:
    own = place.client("dynamodb", alice, place.endpoint)
    mine, other = {"owner": {"S": "alice"}}, {"owner": {"S": "bob"}}
    title = {"ProjectionExpression": "title"}
    assert refused(own.get_item, TableName="notes", Key=other, **title) == "GetItem"
    assert refused(own.get_item, TableName="notes", Key=mine) == "GetItem"  # all attributes
    assert refused(own.get_item, TableName="notes", Key=mine, ProjectionExpression="secret") == "GetItem"
    assert refused(own.put_item, TableName="notes", Item={**mine, "secret": {"S": "x"}}) == "PutItem"
    assert refused(own.put_item, TableName="notes", Item=other) == "PutItem"
    both = {"notes": {"Keys": [mine, other], **title}}
    assert refused(own.batch_get_item, RequestItems=both) == "BatchGetItem"
    puts = {"notes": [{"PutRequest": {"Item": mine}}, {"PutRequest": {"Item": other}}]}
    assert refused(own.batch_write_item, RequestItems=puts) == "BatchWriteItem"
    writes = [{"Put": {"TableName": "notes", "Item": other}}]
    assert refused(own.transact_write_items, TransactItems=writes) == "PutItem"
    assert refused(own.scan, TableName="notes") == "Scan"
    assert refused(own.execute_statement, Statement="SELECT title FROM notes") == "PartiQLSelect"
    assert refused(own.delete_table, TableName="notes") == "DeleteTable"
    assert refused(own.get_item, TableName="none", Key=mine, **title) == "GetItem"  # nor is it told what there is


def test_another_door_is_refused(place: Place, alice: dict[str, str]) -> None:
    direct = place.client("dynamodb", alice, place.url)
    key = {"owner": {"S": "alice"}}
    assert refused(direct.get_item, TableName="notes", Key=key, ProjectionExpression="title") == "GetItem"
    plain = place.client("dynamodb", alice, place.endpoint.replace("https://", "http://"))
    with pytest.raises(Exception, match=r"Connection|connection"):  # TLS is all that is spoken there
        plain.get_item(TableName="notes", Key=key, ProjectionExpression="title")
