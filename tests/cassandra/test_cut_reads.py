"""What a server says whose store does not answer: two nodes of three stand, and a majority is two."""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.cassandra.cluster.cluster import Cluster
from tests.pace import PATIENT
from tests.process import STATORDB, ServerProcess

pytestmark = pytest.mark.slow  # a real server on a cluster that is stopped, and as long as a server is patient

ALLOW_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/carts/stream/some"
UNKNOWN_KEY = {"AccessKeyId": "AKIAAAAAAAAAAAAAAAAA", "SecretAccessKey": "secret"}
TRIED_AGAIN = (500, 503)  # by botocore, and by what all other SDKs do with them
PUT = {"Put": {"TableName": "carts", "Item": {"p": {"S": "a"}}}}
SCHEMA: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
CALLS: list[tuple[str, str, dict[str, Any], str]] = [
    ("dynamodb", "get_item", {"TableName": "carts", "Key": {"p": {"S": "a"}}, "ConsistentRead": True},
     "InternalServerError"),
    ("dynamodb", "put_item", PUT["Put"], "InternalServerError"),
    ("dynamodb", "transact_write_items",
     {"TransactItems": [PUT, {"Put": {"TableName": "carts", "Item": {"p": {"S": "b"}}}}]}, "InternalServerError"),
    ("dynamodb", "describe_table", {"TableName": "others"}, "InternalServerError"),
    ("dynamodb", "create_table", {"TableName": "others", **SCHEMA}, "InternalServerError"),
    ("dynamodbstreams", "describe_stream", {"StreamArn": STREAM}, "InternalServerError"),
    ("iam", "get_user", {"UserName": "ann"}, "ServiceUnavailable"),
    ("iam", "create_user", {"UserName": "bob"}, "ServiceUnavailable"),
    ("sts", "get_session_token", {}, "ServiceUnavailable"),
    ("kms", "create_key", {}, "DependencyTimeoutException"),
    ("kms", "describe_key", {"KeyId": "12345678-1234-4234-8234-123456789012"}, "DependencyTimeoutException"),
    ("lambda", "list_functions", {}, "ServiceException"),
    ("cloudwatch", "describe_alarms", {}, "InternalServiceError"),
    ("application-autoscaling", "describe_scalable_targets", {"ServiceNamespace": "dynamodb"},
     "InternalServiceException"),
]  # fmt: skip


class House:
    """A server with an account that has a user and a table."""

    def __init__(self, cluster: Cluster, directory: Path) -> None:
        hosts, keyspace = ",".join(cluster.hosts), f"cut_{uuid4().hex[:12]}"
        place = ["--engine", "cassandra", "--cassandra", hosts, "--datacenter", cluster.datacenter]
        place += ["--keyspace", keyspace, "--data", str(directory)]
        made = subprocess.run(
            [str(STATORDB), "credentials", "create", "--json", *place], capture_output=True, text=True
        )
        assert made.returncode == 0, made.stderr
        self.root: dict[str, str] = json.loads(made.stdout)
        self.server = ServerProcess(*place, "--auth", "iam", "--workers", "1", "--log-format", "json")
        iam = self.client("iam", self.root)
        iam.create_user(UserName="ann")
        iam.put_user_policy(UserName="ann", PolicyName="all", PolicyDocument=ALLOW_ALL)
        self.ann: dict[str, str] = iam.create_access_key(UserName="ann")["AccessKey"]
        dynamodb = self.client("dynamodb", self.root)
        dynamodb.create_table(TableName="carts", **SCHEMA)
        dynamodb.get_waiter("table_exists").wait(TableName="carts")

    def client(self, service: str, key: dict[str, str]) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.server.url,
            region_name="us-east-1",
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
            config=Config(retries={"total_max_attempts": 1}, **PATIENT),
        )

    def said(self, service: str, operation: str, key: dict[str, str], **given: Any) -> tuple[str, int]:
        try:
            getattr(self.client(service, key), operation)(**given)
        except ClientError as fault:
            return fault.response["Error"]["Code"], fault.response["ResponseMetadata"]["HTTPStatusCode"]
        return "", 200


@pytest.fixture
def house(breakable_cassandra: Cluster, tmp_path: Path) -> Iterator[House]:
    made = House(breakable_cassandra, tmp_path)
    for node in breakable_cassandra.nodes[1:]:
        node.pause()
    yield made
    breakable_cassandra.start()
    made.server.stop()


def test_each_api_says_what_sdks_try_again_and_the_log_tells_no_fault_of_the_servers(house: House) -> None:
    """Also where it is the access key that can't be looked up."""
    keys = (house.root, house.ann, UNKNOWN_KEY)
    asked = [(call, key) for call in CALLS for key in keys]
    with ThreadPoolExecutor(len(asked)) as pool:
        said = list(pool.map(lambda each: house.said(each[0][0], each[0][1], each[1], **each[0][2]), asked))
    for ((service, operation, _, wanted), _), (code, status) in zip(asked, said, strict=True):
        assert status in TRIED_AGAIN, (service, operation, code, status)
        assert code == wanted, (service, operation, code)
    logged = house.server.logged()
    assert "Traceback" not in logged, logged
    assert "the store does not answer" in logged
