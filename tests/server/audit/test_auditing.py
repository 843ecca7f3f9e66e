"""The audit log of a real server: what it tells of, whoever asks and however, and what it never holds."""

import gzip
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

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

from statordb.server.audit import chain

pytestmark = pytest.mark.slow  # a real server


class Audited(NamedTuple):
    url: str
    directory: Path
    key: str
    secret: str

    def entries(self) -> list[dict[str, Any]]:
        found = []
        for files in chain.files_of(self.directory).values():
            for path in files:
                found += [json.loads(line) for line in path.read_bytes().splitlines() if line.endswith(b"}")]
        return found

    def named(self, name: str) -> list[dict[str, Any]]:
        return [entry for entry in self.entries() if entry["eventName"] == name]

    def client(self, service: str, secret: str | None = None) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.key,
            aws_secret_access_key=secret or self.secret,
            config=Config(retries={"total_max_attempts": 1}, **PATIENT),
        )


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    place = tmp_path_factory.mktemp("audited")
    data, directory = place / "data", place / "audit"
    command = [str(STATORDB), "credentials", "create", "--data", str(data), "--json"]
    environment = {**os.environ, "STATORDB_AUDIT_DIRECTORY": str(directory)}
    made = json.loads(
        subprocess.run(command, check=True, capture_output=True, timeout=HANGS_SECONDS, env=environment).stdout
    )
    settings = place / "settings.toml"
    settings.write_text(f'audit_directory = "{directory}"\naudit_required = true')
    options = ("--data", str(data), "--auth", "iam", "--workers", "1", "--functions", "shared-user")
    with ServerProcess(*options, "--config", str(settings)) as server:
        yield Audited(server.url, directory, made["AccessKeyId"], made["SecretAccessKey"])
    assert subprocess.run([STATORDB, "audit", "verify", str(directory)], timeout=HANGS_SECONDS).returncode == 0


def create(audited: Audited, name: str) -> None:
    audited.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def test_who_did_what_to_a_table_is_told_and_nothing_of_its_items(audited: Audited) -> None:
    create(audited, "carts")
    dynamodb = audited.client("dynamodb")
    dynamodb.put_item(TableName="carts", Item={"p": {"S": "planted-value"}})
    assert dynamodb.get_item(TableName="carts", Key={"p": {"S": "planted-value"}})["Item"]
    until(lambda: audited.named("CreateTable"), "it is written")
    (entry,) = audited.named("CreateTable")
    assert entry["userIdentity"]["accessKeyId"] == audited.key
    assert entry["userIdentity"]["type"] == "Root"
    assert entry["sourceIPAddress"] == "127.0.0.1"
    assert entry["userAgent"].startswith("Boto3/")
    assert entry["resources"][0]["ARN"].endswith(":table/carts")
    assert entry["httpStatus"] == 200
    assert entry["responseElements"]["tableDescription"]["tableName"] == "carts"
    assert not audited.named("PutItem")
    text = b"".join(path.read_bytes() for path in audited.directory.iterdir())
    assert b"planted-value" not in text
    assert audited.secret.encode() not in text


def test_calls_of_all_apis_are_told(audited: Audited) -> None:
    audited.client("iam").create_user(UserName="ada")
    key = audited.client("iam").create_access_key(UserName="ada")["AccessKey"]
    audited.client("sts").get_caller_identity()
    audited.client("kms").create_key()
    audited.client("lambda").list_functions(MaxItems=7)
    until(lambda: audited.named("ListFunctions"), "the last one is written")
    for name, source in (
        ("CreateUser", "iam"),
        ("GetCallerIdentity", "sts"),
        ("CreateKey", "kms"),
        ("ListFunctions", "lambda"),
    ):
        (entry,) = audited.named(name)
        assert entry["eventSource"] == f"{source}.amazonaws.com"
        assert entry["userIdentity"]["accessKeyId"] == audited.key
        assert "errorCode" not in entry
    assert audited.named("CreateUser")[0]["requestParameters"] == {"userName": "ada"}
    made = audited.named("CreateAccessKey")[0]["responseElements"]["accessKey"]
    assert (made["userName"], made["accessKeyId"], len(made)) == ("ada", key["AccessKeyId"], 4), "and not its secret"
    assert audited.named("ListFunctions")[0]["requestParameters"]["maxItems"] == 7
    (entry,) = audited.named("CreateKey")
    assert entry["resources"] == [
        {"accountId": "000000000000", "type": "AWS::KMS::Key", "ARN": entry["responseElements"]["keyMetadata"]["arn"]}
    ]


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("dynamodb", "list_tables", "InvalidSignatureException"),
        ("kms", "list_keys", "InvalidSignatureException"),
        ("iam", "list_users", "SignatureDoesNotMatch"),
        ("sts", "get_session_token", "SignatureDoesNotMatch"),
        ("lambda", "list_layers", "InvalidSignatureException"),
    ],
)
def test_who_is_not_let_in_is_told_too(audited: Audited, service: str, method: str, code: str) -> None:
    """By what was asked for in whose name, of which nothing is believed."""
    client = audited.client(service, "wrong")
    with pytest.raises(ClientError):
        getattr(client, method)()
    name = client.meta.method_to_api_mapping[method]

    def told() -> list[dict[str, Any]]:
        if service == "lambda":  # whose paths tell the operation
            return [each for each in audited.named("-") if "layers" in str(each["requestParameters"])]
        return audited.named(name)

    until(told, "it is written")
    (entry,) = told()
    assert entry["userIdentity"] == {"type": "Unknown", "accessKeyId": audited.key}
    assert (entry["errorCode"], entry["eventSource"]) == (code, f"{service}.amazonaws.com")


def test_who_is_refused_before_a_large_request_is_read_is_told(audited: Audited) -> None:
    with pytest.raises(ClientError):
        audited._replace(key="AKIANOBODYSKEY").client("dynamodb").batch_write_item(
            RequestItems={"carts": [{"PutRequest": {"Item": {"p": {"S": "p"}, "a": {"S": "a" * 2_000_000}}}}]}
        )
    until(lambda: audited.named("BatchWriteItem"), "it is written")
    assert audited.named("BatchWriteItem")[0]["userIdentity"]["accessKeyId"] == "AKIANOBODYSKEY"


@pytest.mark.parametrize("packed", [False, True], ids=["padded", "packed"])
def test_no_size_hides_what_is_asked(audited: Audited, packed: bool) -> None:
    """Of a body that is not kept nobody could tell which table it named."""
    name = f"hidden-{packed}"
    create(audited, name)
    body = b'{"TableName":"%s"' % name.encode() + b" " * 300_000 + b"}"
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.DeleteTable"}
    if packed:
        body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
    request = AWSRequest("POST", f"{audited.url}/", data=body, headers=headers)
    SigV4Auth(Credentials(audited.key, audited.secret), "dynamodb", "us-east-1").add_auth(request)
    sent = dict(request.headers.items())
    answer = urllib3.request("POST", request.url, body=body, headers=sent, timeout=HANGS_SECONDS)
    assert answer.status == 413
    assert audited.client("dynamodb").describe_table(TableName=name)
    until(
        lambda: [each for each in audited.named("DeleteTable") if each["httpStatus"] == 413], "the refusal is written"
    )


def test_who_does_not_wait_for_the_answer_is_told_of_all_the_same(audited: Audited) -> None:
    create(audited, "doomed")
    parts, body = urlsplit(audited.url), b'{"TableName":"doomed"}'
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.DeleteTable"}
    request = AWSRequest("POST", f"{audited.url}/", data=body, headers=headers)
    SigV4Auth(Credentials(audited.key, audited.secret), "dynamodb", "us-east-1").add_auth(request)
    sent = {"Host": parts.netloc, "Content-Length": str(len(body)), **dict(request.headers.items())}
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + body)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
    until(lambda: [each for each in audited.named("DeleteTable") if each["resources"]], "it is written")


def test_the_command_line_is_told_of(audited: Audited) -> None:
    (entry,) = audited.named("credentials create")
    assert entry["exitCode"] == 0
    assert entry["userIdentity"]["uid"] == os.getuid()
    assert entry["requestParameters"]["userName"] == "root"
