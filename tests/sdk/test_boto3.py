"""boto3: the whole story as a client, with and without signature checks, and its own Table resource."""

from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore import xform_name
from botocore.exceptions import ClientError
from tests.sdk.conftest import Login
from tests.sdk.operations import service_of
from tests.sdk.story import Call, Failure, Pages, Step, Wait, perform


def _session(login: Login) -> boto3.Session:
    return boto3.Session(login.access_key_id, login.secret_access_key, region_name="us-east-1")


def _take(clients: dict[str, Any], step: Step) -> Any:
    client = clients["dynamodb"]
    match step:
        case Call(operation, parameters):
            try:
                return getattr(clients[service_of(operation)], xform_name(operation))(**parameters)
            except ClientError as error:
                return Failure(error.response["Error"]["Code"])
        case Wait(waiter, parameters):
            client.get_waiter(waiter).wait(**parameters, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        case Pages(paginator, parameters, page_size, member):
            config = {"PageSize": page_size} if page_size else {}
            pages = client.get_paginator(paginator).paginate(**parameters, PaginationConfig=config)
            return [entry for page in pages for entry in page[member]]
    return None


@pytest.mark.deviates("dynamodb-local", "it has no tags")
@pytest.mark.parametrize("login", ["open_login", "signed_login"])
def test_every_operation(login: str, table_name: str, request: pytest.FixtureRequest) -> None:
    """As it comes, with its own checks of parameters and answers, open and signed."""
    there: Login = request.getfixturevalue(login)
    session = _session(there)
    clients = {name: session.client(name, endpoint_url=there.url) for name in ("dynamodb", "dynamodbstreams")}
    perform(table_name, lambda step: _take(clients, step))


@pytest.mark.parametrize(
    ("key", "secret", "code"),
    [
        ("AKIAUNKNOWN000000000", "wrong", "UnrecognizedClientException"),
        (None, "wrong", "InvalidSignatureException"),
    ],
)
def test_wrong_keys_are_refused(signed_login: Login, key: str | None, secret: str, code: str) -> None:
    # The story under signatures proves little if any signature passes.
    login = Login(signed_login.url, key or signed_login.access_key_id, secret)
    client = _session(login).client("dynamodb", endpoint_url=login.url)
    with pytest.raises(ClientError) as refused:
        client.list_tables()
    assert refused.value.response["Error"]["Code"] == code


def test_table_resource_and_its_types(open_login: Login, table_name: str) -> None:
    # The resource layer has a serialiser, batch writer and condition builder of its own; binary values pass through it.
    resource = _session(open_login).resource("dynamodb", endpoint_url=open_login.url)
    table = resource.create_table(
        TableName=table_name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "p", "AttributeType": "S"},
            {"AttributeName": "c", "AttributeType": "B"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    table.wait_until_exists()
    with table.batch_writer() as batch:
        for number in range(30):  # more than one BatchWriteItem takes
            batch.put_item(Item={"p": "x", "c": bytes([number]), "set": {b"\x00", b"\xff"}, "even": number % 2 == 0})
    page = table.query(
        KeyConditionExpression=Key("p").eq("x") & Key("c").between(b"\x05", b"\x0a"),
        FilterExpression=Attr("even").eq(True),
    )
    assert [item["c"].value for item in page["Items"]] == [b"\x06", b"\x08", b"\x0a"]
    assert {value.value for value in page["Items"][0]["set"]} == {b"\x00", b"\xff"}
    table.delete()
    table.wait_until_not_exists()
