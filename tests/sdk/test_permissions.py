"""Permissions by the real SDK: users made through IAM's API, what they may do with a table, and each way round it."""

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.pace import HANGS_SECONDS
from tests.process import STATORDB, ServerProcess

OWN_ITEMS = {
    "ForAllValues:StringEquals": {
        "dynamodb:LeadingKeys": ["${aws:username}"],
        "dynamodb:Attributes": ["p", "name"],
    },
    "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES", "dynamodb:ReturnValues": "NONE"},
}
DENIED = "is not authorized to perform: dynamodb:{} on resource: {} because no identity-based policy allows"


class World(NamedTuple):
    """A server with two accounts: `client(service, keys)`; `roots` are the keys of their roots."""

    client: Callable[..., Any]
    roots: list[dict[str, str]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data = str(tmp_path_factory.mktemp("permissions"))
    roots = []
    for account in ("111111111111", "222222222222"):
        command = [str(STATORDB), "credentials", "create", "--data", data, "--account", account, "--json"]
        made = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=HANGS_SECONDS).stdout)
        roots.append(keys_of(made))
    with ServerProcess("--data", data, "--auth", "iam", "--workers", "2") as process:

        def client(service: str, keys: dict[str, str]) -> Any:
            config = Config(retries={"total_max_attempts": 1})
            return boto3.client(service, endpoint_url=process.url, region_name="us-east-1", config=config, **keys)

        yield World(client, roots)


def keys_of(made: dict[str, Any]) -> dict[str, str]:
    return {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}


def user(world: World, root: dict[str, str], name: str, *statements: dict[str, Any]) -> Any:
    """A DynamoDB client of a new user with a policy."""
    iam = world.client("iam", root)
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=document)
    return world.client("dynamodb", keys_of(iam.create_access_key(UserName=name)["AccessKey"]))


def table(world: World, root: dict[str, str], name: str) -> str:
    made = world.client("dynamodb", root).create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return str(made["TableDescription"]["TableArn"])


def refused(call: Callable[..., Any], **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**given)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return str(caught.value.response["Error"]["Message"])


@pytest.mark.slow
def test_a_user_of_own_items_and_some_attributes_only(world: World) -> None:
    """And each way round it is refused with AWS's type and text."""
    arn = table(world, world.roots[0], "profiles")
    items = [
        "GetItem",
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "Query",
        "BatchGetItem",
        "PartiQLSelect",
        "PartiQLUpdate",
    ]
    may = {"Action": [f"dynamodb:{action}" for action in items], "Resource": arn, "Condition": OWN_ITEMS}
    ann = user(world, world.roots[0], "ann", may)
    own, others = {"p": {"S": "ann"}}, {"p": {"S": "bob"}}
    at = {"TableName": "profiles"}
    ann.put_item(**at, Item={**own, "name": {"S": "Ann"}})
    assert ann.get_item(**at, Key=own, ProjectionExpression="p, #n", ExpressionAttributeNames={"#n": "name"})["Item"]
    assert DENIED.format("GetItem", arn) in refused(ann.get_item, **at, Key=others, ProjectionExpression="p")
    refused(ann.get_item, **at, Key=own)  # all attributes
    refused(ann.get_item, **at, Key=own, ProjectionExpression="secret")
    assert DENIED.format("PutItem", arn) in refused(ann.put_item, **at, Item=others)
    refused(ann.put_item, **at, Item={**own, "secret": {"S": "x"}})
    refused(ann.put_item, **at, Item=own, ReturnValues="ALL_OLD")
    refused(ann.update_item, **at, Key=own, UpdateExpression="SET #n = secret", ExpressionAttributeNames={"#n": "name"})
    keys = {"profiles": {"Keys": [own, others], "ProjectionExpression": "p"}}
    assert DENIED.format("BatchGetItem", arn) in refused(ann.batch_get_item, RequestItems=keys)
    parts = [{"Get": {**at, "Key": others, "ProjectionExpression": "p"}}]
    assert DENIED.format("GetItem", arn) in refused(ann.transact_get_items, TransactItems=parts)
    assert DENIED.format("Scan", arn) in refused(ann.scan, **at)
    for statement in ("SELECT p FROM profiles WHERE p = 'bob'", "SELECT * FROM profiles WHERE p = 'ann'"):
        assert DENIED.format("PartiQLSelect", arn) in refused(ann.execute_statement, Statement=statement)
    assert ann.execute_statement(Statement="SELECT p FROM profiles WHERE p = 'ann'")["Items"] == [own]
    assert DENIED.format("DescribeTable", arn) in refused(ann.describe_table, **at)


@pytest.mark.slow
def test_a_changed_policy_counts_at_once_in_every_process(world: World) -> None:
    arn = table(world, world.roots[0], "changes")
    carl = user(world, world.roots[0], "carl", {"Action": "dynamodb:GetItem", "Resource": arn})
    get = {"TableName": "changes", "Key": {"p": {"S": "a"}}}
    for _ in range(8):  # connections go to either worker
        carl.get_item(**get)
    iam = world.client("iam", world.roots[0])
    iam.delete_user_policy(UserName="carl", PolicyName="all")
    for _ in range(8):
        refused(carl.get_item, **get)


@pytest.mark.slow
def test_two_accounts_share_a_table_by_its_policy(world: World) -> None:
    arn = table(world, world.roots[0], "shared")
    owner = world.client("dynamodb", world.roots[0])
    dora = user(world, world.roots[1], "dora", {"Action": "dynamodb:*", "Resource": "*"})
    key = {"p": {"S": "a"}}
    owner.put_item(TableName="shared", Item=key)
    assert "because no resource-based policy allows the dynamodb:GetItem action" in refused(
        dora.get_item, TableName=arn, Key=key
    )
    lets = {
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:user/dora"}, "Resource": arn,
        "Action": ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"],
    }  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": lets})
    revision = owner.put_resource_policy(ResourceArn=arn, Policy=document)["RevisionId"]
    assert dora.get_item(TableName=arn, Key=key)["Item"] == key
    dora.put_item(TableName=arn, Item={"p": {"S": "b"}})
    refused(dora.delete_item, TableName=arn, Key=key)
    assert owner.get_resource_policy(ResourceArn=arn)["RevisionId"] == revision
    owner.delete_resource_policy(ResourceArn=arn)
    refused(dora.get_item, TableName=arn, Key=key)
