"""What came with permissions and keys is in nobody's way: storms of requests to IAM, STS and KMS, policies as large as
they may be, strangers. The audit log tells of every request meanwhile.

As in test_stalls.py, what would make others wait is looked at, as the server itself counts it.
"""

import base64
import json
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from tests.hostile.storm import REGION, Storm, request, status
from tests.hostile.watching import CASSANDRA, Watched, as_slow_as_here, must_not_stand, on_cassandra
from tests.pace import PATIENT

import heavy
import servers
from load import Client
from servers import ACCESS_KEY_ID, SECRET, Running

ROOT_KEY = ACCESS_KEY_ID, SECRET
TABLE_ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/"
GUARDED = "guarded"  # a table with a policy of its own
KEYS = [{"pk": {"S": f"k{number}"}} for number in range(100)]

pytestmark = pytest.mark.slow  # real servers, and a second or more for each case


class Scene:
    """A server with somebody who has many policies, a table that has a large one, a role, and keys of KMS."""

    def __init__(self, running: Running) -> None:
        self.watched = Watched(running)
        self.host = running.host
        root = Client(running.host, servers.signer())
        for table in ("small", GUARDED):
            root.call("CreateTable", json.dumps(heavy.schema("small") | {"TableName": table}).encode())
        for key in KEYS[:25]:
            root.call("PutItem", json.dumps({"TableName": "small", "Item": key}).encode())
        self._iam, kms, dynamodb = (self._client(name) for name in ("iam", "kms", "dynamodb"))
        self.careful = self._user("careful", _own_items(10))
        self.bounded = self._user("bounded", _patterns())
        dynamodb.put_resource_policy(ResourceArn=TABLE_ARN + GUARDED, Policy=_of_the_table())
        made = kms.create_key()["KeyMetadata"]
        self.key, self.other = made["KeyId"], kms.create_key()["KeyMetadata"]["KeyId"]
        self.sealed = kms.encrypt(KeyId=self.key, Plaintext=b"x" * 4096)["CiphertextBlob"]
        trust = {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}
        self._iam.create_role(RoleName="some", AssumeRolePolicyDocument=_document([trust]))

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://{self.host}",
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET,
            config=Config(**PATIENT),
        )

    def _user(self, name: str, documents: list[str]) -> tuple[str, str]:
        self._iam.create_user(UserName=name)
        for number, document in enumerate(documents):
            made = self._iam.create_policy(PolicyName=f"{name}{number}", PolicyDocument=document)["Policy"]
            self._iam.attach_user_policy(UserName=name, PolicyArn=made["Arn"])
        key = self._iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def ask(self, operation: str, body: dict[str, Any], key: tuple[str, str] = ROOT_KEY, **more: Any) -> list[bytes]:
        return [request(self.host, key, "dynamodb", operation, json.dumps(body).encode(), **more)]

    def kms(self, operation: str, body: dict[str, Any]) -> list[bytes]:
        return [request(self.host, ROOT_KEY, "kms", operation, json.dumps(body).encode())]

    def form(self, service: str, version: str, fields: dict[str, str]) -> list[bytes]:
        body = urllib.parse.urlencode({"Version": version, **fields}).encode()
        return [request(self.host, ROOT_KEY, service, fields["Action"], body)]

    def iam(self, **fields: str) -> list[bytes]:
        return self.form("iam", "2010-05-08", fields)

    def sts(self, **fields: str) -> list[bytes]:
        return self.form("sts", "2011-06-15", fields)


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def _own_items(count: int) -> list[str]:
    """Policies of 6 KB that ask for the keys of each request, the last of which allows it."""
    documents = []
    for policy in range(count):
        keys = [f"{policy}x{number}*y" for number in range(400)]
        condition = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [*keys, "k*"]}}
        documents.append(_document([{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}]))
    return documents


def _patterns() -> list[str]:
    """Policies of 6 KB that are held against what a request is about, none of which allows it."""
    of = [f"{TABLE_ARN}*?{number}" for number in range(90)]
    return [_document([{"Effect": "Allow", "Action": "*", "Resource": [*of, str(TABLE_ARN)]}]) for _ in range(10)]


def _of_the_table() -> str:
    """A policy of almost 20 KB, which looks at each request."""
    statements = []
    for number in range(100):
        condition = {"StringLike": {"dynamodb:LeadingKeys": f"{number}*x"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
        statements.append(
            {"Effect": "Deny", "Principal": "*", "Action": "dynamodb:*", "Resource": "*", "Condition": condition}
        )
    return _document(statements)


def _filler(characters: int) -> str:
    statement = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}
    return _document([statement] * (characters // 70))


def _simulation(scene: Scene) -> list[bytes]:
    names = {f"ActionNames.member.{number}": f"dynamodb:A{number}" for number in range(1, 101)}
    arns = {f"ResourceArns.member.{number}": f"{TABLE_ARN}{number}" for number in range(1, 101)}
    more = {"PolicyInputList.member.1": _filler(30_000), "Action": "SimulateCustomPolicy", "MaxItems": "100"}
    return scene.iam(**names, **arns, **more)


def _strangers(scene: Scene) -> list[bytes]:
    """Each with another key, which is looked up."""
    return [scene.ask("ListTables", {}, (f"AKIASTRANGER{number:08}", "wrong"))[0] for number in range(64)]


def _tables(scene: Scene) -> list[bytes]:
    """Each of another table, of which it is decided anew."""
    return [scene.ask("DescribeTable", {"TableName": f"t{n:03}{'x' * 250}"}, scene.bounded)[0] for n in range(64)]


def _transaction(table: str) -> dict[str, Any]:
    return {"TransactItems": [{"Get": {"TableName": table, "Key": key}} for key in KEYS]}


def _batch(table: str) -> dict[str, Any]:
    return {"RequestItems": {table: {"Keys": KEYS}}}


GET = {"TableName": "small", "Key": KEYS[0]}
WRITES = {"RequestItems": {"small": [{"PutRequest": {"Item": {**key, "d": {"S": "x" * 300}}}} for key in KEYS[:25]]}}

CASES: dict[str, Callable[[Scene], list[bytes]]] = {
    "Encrypt of 4 KB": lambda scene: scene.kms("Encrypt", {"KeyId": scene.key, "Plaintext": "eHh4" * 1365}),
    "ReEncrypt of 4 KB": lambda scene: scene.kms(
        "ReEncrypt", {"CiphertextBlob": base64.b64encode(scene.sealed).decode(), "DestinationKeyId": scene.other}
    ),
    "CreateKey": lambda scene: scene.kms("CreateKey", {}),
    "ListKeys": lambda scene: scene.kms("ListKeys", {"Limit": 1000}),
    "PutKeyPolicy of 30 KB": lambda scene: scene.kms("PutKeyPolicy", {"KeyId": scene.key, "Policy": _filler(30_000)}),
    "CreatePolicy of 6 KB": lambda scene: scene.iam(
        Action="CreatePolicy", PolicyName="careful0", PolicyDocument=_filler(6_000)
    ),
    "CreateUser": lambda scene: [scene.iam(Action="CreateUser", UserName=f"u{number}")[0] for number in range(64)],
    "GetAccountAuthorizationDetails": lambda scene: scene.iam(Action="GetAccountAuthorizationDetails"),
    "ListPolicies": lambda scene: scene.iam(Action="ListPolicies", MaxItems="1000"),
    "SimulateCustomPolicy": _simulation,
    "AssumeRole": lambda scene: scene.sts(
        Action="AssumeRole", RoleArn="arn:aws:iam::000000000000:role/some", RoleSessionName="some"
    ),
    "GetCallerIdentity": lambda scene: scene.sts(Action="GetCallerIdentity"),
    "GetItem, 4,000 patterns": lambda scene: scene.ask(
        "GetItem", {"TableName": "small", "Key": KEYS[0]}, scene.careful
    ),
    "BatchGetItem of 100, 4,000 patterns": lambda scene: scene.ask("BatchGetItem", _batch("small"), scene.careful),
    "TransactGetItems of 100, 4,000 patterns": lambda scene: scene.ask(
        "TransactGetItems", _transaction("small"), scene.careful
    ),
    "BatchGetItem of 100, a table's policy": lambda scene: scene.ask("BatchGetItem", _batch(GUARDED)),
    "TransactGetItems of 100, a table's policy": lambda scene: scene.ask("TransactGetItems", _transaction(GUARDED)),
    "other tables, 900 patterns": _tables,
    "strangers with keys of their own": _strangers,
    "presigned": lambda scene: scene.ask("GetItem", GET, presigned=True),
    "BatchWriteItem, all of it told": lambda scene: scene.ask("BatchWriteItem", WRITES),
}


@pytest.fixture(scope="module", params=["lmdb", CASSANDRA])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One worker, which is the keeper too: whatever stands, stands in everybody's way."""
    launch = on_cassandra(request) if request.param == "cassandra" else servers.statordb("hostile", "--workers", "1")
    directory = tmp_path_factory.mktemp("access")
    audited = {
        "STATORDB_AUDIT_DIRECTORY": str(directory / "audit"),
        "STATORDB_AUDIT_DATA_EVENTS": "true",
        "STATORDB_PRESIGNED_REQUESTS": "true",
    }
    launch = replace(launch, environment={**launch.environment, **audited})
    with Running(as_slow_as_here(launch), directory) as running:
        yield Scene(running)


@pytest.mark.parametrize("name", CASES)
def test_no_loop_that_serves_stands_and_no_lock_is_kept(scene: Scene, name: str) -> None:
    requests = CASES[name](scene)
    must_not_stand(scene.watched, lambda: Storm(scene.host, requests))
    assert status(scene.host, requests[0]) in {200, 400, 403, 409}
