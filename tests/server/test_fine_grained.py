"""What policies are for, by SDK alone: a user who may only touch its own items, some attributes, over TLS, through one
endpoint. Each way round it is refused with AWS's type and text."""

import gzip
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
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


STREAM = f"{TABLE}/stream/2026-01-01T00:00:00.000"
MINE = {"owner": {"S": "alice"}}
SELECT = "SELECT title FROM notes WHERE owner = 'alice'"


@pytest.mark.parametrize(
    ("operation", "members", "action"),
    [
        # What is hidden is named by a condition, a filter, a path into it, or an assignment from it.
        ("delete_item", {"Key": MINE, "ConditionExpression": "attribute_exists(secret)"}, "DeleteItem"),
        ("delete_item", {"Key": MINE, "Expected": {"secret": {"Exists": False}}}, "DeleteItem"),
        ("get_item", {"Key": MINE, "ProjectionExpression": "title, secret.deep[0]"}, "GetItem"),
        (
            "get_item",
            {"Key": MINE, "ProjectionExpression": "#t", "ExpressionAttributeNames": {"#t": "secret"}},
            "GetItem",
        ),
        ("get_item", {"Key": MINE, "AttributesToGet": ["secret"]}, "GetItem"),
        ("update_item", {"Key": MINE, "UpdateExpression": "SET title = secret"}, "UpdateItem"),
        ("update_item", {"Key": MINE, "UpdateExpression": "SET title = if_not_exists(secret, title)"}, "UpdateItem"),
        ("update_item", {"Key": MINE, "AttributeUpdates": {"secret": {"Action": "DELETE"}}}, "UpdateItem"),
        # All of an item, or none of it but whether it is there, is asked for in another way.
        ("query", {"Select": "ALL_ATTRIBUTES"}, "Query"),
        ("query", {"Select": "COUNT", "FilterExpression": "attribute_exists(secret)"}, "Query"),
        ("query", {"ProjectionExpression": "title", "FilterExpression": "size(secret) > size(title)"}, "Query"),
        ("batch_get_item", {"RequestItems": {"notes": {"Keys": [MINE]}}}, "BatchGetItem"),
        ("batch_get_item", {"RequestItems": {TABLE: {"Keys": [MINE], "AttributesToGet": ["secret"]}}}, "BatchGetItem"),
        # Operations that do the same under another name, each of which needs an action of its own.
        ("execute_statement", {"Statement": SELECT}, "PartiQLSelect"),
        ("execute_transaction", {"TransactStatements": [{"Statement": SELECT}]}, "PartiQLSelect"),
        (
            "transact_get_items",
            {"TransactItems": [{"Get": {"TableName": "notes", "Key": MINE, "ProjectionExpression": "secret"}}]},
            "GetItem",
        ),
        (
            "transact_write_items",
            {"TransactItems": [{"ConditionCheck": {"TableName": "notes", "Key": MINE,
                                                   "ConditionExpression": "attribute_exists(title)"}}]},
            "ConditionCheckItem",
        ),
        # What tells of the table, or gives all of it away.
        ("describe_table", {"TableName": "notes"}, "DescribeTable"),
        ("describe_stream", {"StreamArn": STREAM}, "DescribeStream"),
        ("list_streams", {"TableName": "notes"}, "ListStreams"),
        ("list_tables", {}, "ListTables"),
        ("put_resource_policy", {"ResourceArn": TABLE, "Policy": "{}"}, "PutResourcePolicy"),
        ("update_table", {"TableName": "notes", "DeletionProtectionEnabled": False}, "UpdateTable"),
        ("tag_resource", {"ResourceArn": TABLE, "Tags": [{"Key": "a", "Value": "b"}]}, "TagResource"),
    ],
)  # fmt: skip
def test_no_other_words_get_what_is_hidden(
    place: Place, alice: dict[str, str], operation: str, members: dict[str, Any], action: str
) -> None:
    service = "dynamodbstreams" if "stream" in operation else "dynamodb"
    one_table = {"TableName": "notes"} if operation in ("get_item", "update_item", "delete_item", "query") else {}
    if operation == "query":
        values = {":o": {"S": "alice"}}
        one_table |= {"KeyConditionExpression": "#o = :o", "ExpressionAttributeNames": {"#o": "owner"},
                      "ExpressionAttributeValues": values}  # fmt: skip
    own = place.client(service, alice, place.endpoint)
    assert refused(getattr(own, operation), **one_table, **members) == action


def test_a_batch_of_statements_tells_of_each_that_it_is_refused(place: Place, alice: dict[str, str]) -> None:
    own = place.client("dynamodb", alice, place.endpoint)
    (told,) = own.batch_execute_statement(Statements=[{"Statement": SELECT}])["Responses"]
    assert told["Error"]["Code"] == "AccessDenied"
    assert "Item" not in told


def test_no_header_makes_a_request_another_one(place: Place, alice: dict[str, str]) -> None:
    """In other cases, twice, or beside the ones that are signed; nor does one say where a request comes from."""
    url, body = f"{place.url}/", json.dumps({"TableName": "notes", "Key": MINE, "ProjectionExpression": "title"})
    session = urllib3.PoolManager(ca_certs=place.authority)
    target = "DynamoDB_20120810.GetItem"

    def answer(signed: dict[str, str], more: dict[str, str]) -> tuple[int, str]:
        request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/x-amz-json-1.0", **signed})
        SigV4Auth(Credentials(alice["AccessKeyId"], alice["SecretAccessKey"]), "dynamodb", "us-east-1").add_auth(
            request
        )
        headers = urllib3.HTTPHeaderDict(dict(request.headers.items()))
        for name, value in more.items():
            headers.add(name, value)
        told = session.request("POST", url, body=body, headers=headers, retries=False, timeout=HANGS_SECONDS)
        return told.status, json.loads(told.data)["__type"].rpartition("#")[2]

    usual = {"X-Amz-Target": target}
    for spoofed in (
        {"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "https"},
        {"Forwarded": "for=10.0.0.1;proto=https"},
        {"aws-SourceVpce": ENDPOINT, "VpcEndpointId": ENDPOINT},
    ):
        assert answer(usual, spoofed) == (400, "AccessDeniedException")
    assert answer({"x-AMZ-tARGET": target}, {}) == (400, "AccessDeniedException")
    for unsigned in ({"X-Amz-Target": "DynamoDB_20120810.ListTables"}, {"x-amz-source-vpce": ENDPOINT}):
        status, code = answer(usual, unsigned)
        assert status == 400
        assert code in ("InvalidSignatureException", "IncompleteSignatureException", "UnknownOperationException")


def packed(place: Place, keys: dict[str, str], url: str, body: dict[str, Any], spaces: int) -> tuple[int, Any]:
    """The answer to a GetItem whose body is sent by gzip, with so much more in it that tells nothing."""
    data = gzip.compress(json.dumps(body).encode() + b" " * spaces)
    headers = {
        "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.GetItem",
        "Content-Encoding": "gzip",
    }  # fmt: skip
    request = AWSRequest("POST", f"{url}/", data=data, headers=headers)
    SigV4Auth(Credentials(keys["AccessKeyId"], keys["SecretAccessKey"]), "dynamodb", "us-east-1").add_auth(request)
    session = urllib3.PoolManager(ca_certs=place.authority)
    signed = dict(request.headers.items())
    told = session.request("POST", f"{url}/", body=data, headers=signed, retries=False, timeout=HANGS_SECONDS)
    return told.status, json.loads(told.data)


@pytest.mark.parametrize("spaces", [0, 60_000], ids=["here", "in a lane"])
def test_what_is_sent_packed_is_judged_as_all_else(place: Place, alice: dict[str, str], spaces: int) -> None:
    """Where it came from, and how, is known too where another process answers it."""
    place.client("dynamodb", place.root, place.url).put_item(
        TableName="notes", Item={**MINE, "title": {"S": "mine"}, "secret": {"S": "x"}}
    )
    own = {"TableName": "notes", "Key": MINE, "ProjectionExpression": "title"}
    assert packed(place, alice, place.endpoint, own, spaces) == (200, {"Item": {"title": {"S": "mine"}}})
    for url, asked in (
        (place.url, own),
        (place.endpoint, {**own, "Key": {"owner": {"S": "bob"}}}),
        (place.endpoint, {**own, "ProjectionExpression": "secret"}),
        (place.endpoint, {"TableName": "notes", "Key": MINE}),
    ):
        status, told = packed(place, alice, url, asked, spaces)
        assert (status, told["__type"].rpartition("#")[2]) == (400, "AccessDeniedException")


def test_two_accounts_share_a_table_by_its_policy(place: Place, alice: dict[str, str]) -> None:
    """Both sides have to say so; what one may of it is what its policy says, and nothing of it but that."""
    owner = place.client("dynamodb", place.root, place.url)
    data = place.authority.removesuffix("/tls/ca.pem")
    command = [str(STATORDB), "credentials", "create", "--data", data, "--account", "222222222222", "--json"]
    theirs = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=HANGS_SECONDS).stdout)
    other = place.client("dynamodb", theirs, place.url)
    item = {"owner": {"S": "shared"}, "title": {"S": "ours"}}
    owner.put_item(TableName="notes", Item=item)
    get = {"TableName": TABLE, "Key": {"owner": {"S": "shared"}}}

    def code(call: Any, **members: Any) -> str:
        with pytest.raises(ClientError) as caught:
            call(**members)
        return str(caught.value.response["Error"]["Code"])

    assert code(other.get_item, **get) == "AccessDeniedException"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "222222222222"},
        "Action": "dynamodb:GetItem",
        "Resource": TABLE,
    }
    owner.put_resource_policy(ResourceArn=TABLE, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert other.get_item(**get)["Item"] == item
    assert code(other.put_item, TableName=TABLE, Item=item) == "AccessDeniedException"
    assert code(other.get_item, TableName="notes", Key=get["Key"]) == "ResourceNotFoundException"  # of its own account
    theirs_iam = place.client("iam", theirs, place.url)
    theirs_iam.create_user(UserName="bob")
    bob = place.client("dynamodb", theirs_iam.create_access_key(UserName="bob")["AccessKey"], place.url)
    assert code(bob.get_item, **get) == "AccessDeniedException"  # the account is let in, who has to let in its users
    own = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": TABLE}]})
    theirs_iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=own)
    assert bob.get_item(**get)["Item"] == item
    owner.delete_resource_policy(ResourceArn=TABLE)
    assert code(bob.get_item, **get) == code(other.get_item, **get) == "AccessDeniedException"


def test_another_door_is_refused(place: Place, alice: dict[str, str]) -> None:
    direct = place.client("dynamodb", alice, place.url)
    key = {"owner": {"S": "alice"}}
    assert refused(direct.get_item, TableName="notes", Key=key, ProjectionExpression="title") == "GetItem"
    plain = place.client("dynamodb", alice, place.endpoint.replace("https://", "http://"))
    with pytest.raises(Exception, match=r"Connection|connection"):  # TLS is all that is spoken there
        plain.get_item(TableName="notes", Key=key, ProjectionExpression="title")
