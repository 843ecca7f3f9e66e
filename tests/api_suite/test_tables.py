"""The life of a table: made, described, listed, changed, deleted; and the tables that cannot be made."""

from typing import Any

import pytest
from tests.api_suite.conftest import Client, MakeTable, await_active, index, keys, new_name, types
from tests.api_suite.refusal import invalid, refused

ON_DEMAND = {"BillingMode": "PAY_PER_REQUEST"}
PROVISIONED = {"ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4}}


def test_a_description_says_what_was_asked(client: Client) -> None:
    name = new_name()
    definition = {"KeySchema": keys("p c"), "AttributeDefinitions": types("p:S c:B")}
    created = client.create_table(TableName=name, **definition, **ON_DEMAND)["TableDescription"]
    assert created["TableStatus"] in ("CREATING", "ACTIVE")
    table = await_active(client, name)
    assert table["KeySchema"] == definition["KeySchema"]
    assert table["AttributeDefinitions"] == types("c:B p:S"), "sorted by name"
    assert (table["ItemCount"], table["TableSizeBytes"]) == (0, 0)
    assert table["TableArn"].startswith("arn:aws:dynamodb:")
    assert table["TableArn"].endswith(f":table/{name}")
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    deleted = client.delete_table(TableName=name)["TableDescription"]
    assert deleted["TableName"] == name


@pytest.mark.deviates("dynamodb-local", "its tables have no id")
def test_a_table_has_an_id_of_its_own(client: Client, make_table: MakeTable) -> None:
    first, second = (client.describe_table(TableName=make_table("p", "p:S"))["Table"] for _ in range(2))
    assert first["TableId"] != second["TableId"]


def test_a_deleted_table_is_gone_and_can_be_made_anew(client: Client, make_table: MakeTable) -> None:
    name = make_table("p", "p:S")
    client.put_item(TableName=name, Item={"p": {"S": "x"}})
    client.delete_table(TableName=name)
    client.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    for call in (client.describe_table, client.delete_table, client.scan):
        with refused("ResourceNotFoundException"):
            call(TableName=name)
    make_table("p", "p:S", TableName=name)
    assert client.scan(TableName=name)["Count"] == 0


def test_a_name_is_taken_once(client: Client, hash_table: str) -> None:
    with refused("ResourceInUseException"):
        client.create_table(TableName=hash_table, KeySchema=keys("p"), AttributeDefinitions=types("p:S"), **ON_DEMAND)


def test_names_are_listed_in_order_by_pages(client: Client, make_table: MakeTable) -> None:
    prefix = new_name("list")
    for letter in "bca":
        make_table("p", "p:S", TableName=f"{prefix}-{letter}")
    page = client.list_tables(ExclusiveStartTableName=prefix, Limit=2)
    assert page["TableNames"] == [f"{prefix}-a", f"{prefix}-b"]
    assert page["LastEvaluatedTableName"] == f"{prefix}-b"
    page = client.list_tables(ExclusiveStartTableName=page["LastEvaluatedTableName"], Limit=1)
    assert page["TableNames"] == [f"{prefix}-c"]


def test_deletion_protection(client: Client, make_table: MakeTable) -> None:
    """It can be taken off again, and only then does the table go."""
    name = make_table("p", "p:S", DeletionProtectionEnabled=True)
    with invalid("protected against deletion"):
        client.delete_table(TableName=name)
    client.update_table(TableName=name, DeletionProtectionEnabled=False)
    await_active(client, name)
    client.delete_table(TableName=name)


def test_capacity_can_be_changed(client: Client, make_table: MakeTable) -> None:
    name = make_table("p", "p:S", **PROVISIONED)
    throughput = client.describe_table(TableName=name)["Table"]["ProvisionedThroughput"]
    assert (throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]) == (3, 4)
    larger = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 4}
    client.update_table(TableName=name, ProvisionedThroughput=larger)
    table = await_active(client, name)
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    client.update_table(TableName=name, **ON_DEMAND)
    assert await_active(client, name)["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_limits_of_the_account(client: Client) -> None:
    limits = client.describe_limits()
    assert limits["AccountMaxReadCapacityUnits"] >= limits["TableMaxReadCapacityUnits"] > 0
    assert limits["AccountMaxWriteCapacityUnits"] >= limits["TableMaxWriteCapacityUnits"] > 0


LOCAL = {"LocalSecondaryIndexes": [index("one", "p q")]}


@pytest.mark.parametrize(
    ("schema", "definitions", "more"),
    [
        ("p", "p:S", {}),  # neither on demand nor throughput
        ("p", "p:S", {"ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 1}}),
        pytest.param(
            "p",
            "p:S",
            {"BillingMode": "FREE"},
            marks=pytest.mark.deviates("dynamodb-local", "it fails internally"),
        ),
        ("p", "p:S q:S", ON_DEMAND),  # q is no key
        ("p", "q:S", ON_DEMAND),
        ("p c", "p:S", ON_DEMAND),
        ("p p", "p:S", ON_DEMAND),
        ("p", "p:S p:S", ON_DEMAND),
        ("p", "p:BOOL", ON_DEMAND),
        ("p,q", "p:S q:S", ON_DEMAND),  # several attributes are for indexes only
        ("p", "p:S q:S", {**ON_DEMAND, **LOCAL}),  # a local index needs a sort key beside it
        ("p c", "p:S c:S q:S", {**ON_DEMAND, "LocalSecondaryIndexes": [index("one", "q p")]}),
        ("p c", "p:S c:S q:S", {**ON_DEMAND, "LocalSecondaryIndexes": [index("one", "p q")] * 2}),
        ("p c", "p:S c:S q:S", {**ON_DEMAND, "LocalSecondaryIndexes": [index(f"i-{n}", "p q") for n in range(6)]}),
        ("p c", "p:S c:S q:S", {**ON_DEMAND, "LocalSecondaryIndexes": [index("one", "p q", "INCLUDE")]}),
        ("p c", "p:S c:S q:S", {**ON_DEMAND, "LocalSecondaryIndexes": [index("one", "p q", "ALL", "x")]}),
        ("p", "p:S", {**ON_DEMAND, "GlobalSecondaryIndexes": [index("one", "q")]}),
        ("p", "p:S q:S", {**ON_DEMAND, "GlobalSecondaryIndexes": [index("x", "q")]}),
        ("p", "p:S q:S", {**ON_DEMAND, "GlobalSecondaryIndexes": [index(f"i-{n}", "q") for n in range(21)]}),
        ("p", "p:S", {**ON_DEMAND, "GlobalSecondaryIndexes": []}),
        ("p", "p:S q:S", {**PROVISIONED, "GlobalSecondaryIndexes": [index("one", "q")]}),
    ],
)
def test_a_table_that_cannot_be(client: Client, schema: str, definitions: str, more: dict[str, Any]) -> None:
    name = new_name("cannot")
    with invalid():
        client.create_table(TableName=name, KeySchema=keys(schema), AttributeDefinitions=types(definitions), **more)
    with refused("ResourceNotFoundException"):
        client.describe_table(TableName=name)


@pytest.mark.deviates("dynamodb-local", "it takes a throughput beside on-demand billing")
def test_on_demand_has_no_throughput(client: Client) -> None:
    with invalid("when BillingMode is PAY_PER_REQUEST"):
        client.create_table(
            TableName=new_name(), KeySchema=keys("p"), AttributeDefinitions=types("p:S"), **ON_DEMAND, **PROVISIONED
        )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "ValidationException"),
        ({"BillingMode": "PROVISIONED"}, "ValidationException"),
        ({"GlobalSecondaryIndexUpdates": [{}]}, "ValidationException"),
        ({"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "none"}}]}, "ResourceNotFoundException"),
    ],
)
def test_a_change_that_cannot_be(client: Client, hash_table: str, change: dict[str, Any], code: str) -> None:
    with refused(code):
        client.update_table(TableName=hash_table, **change)


def test_counts_follow_the_items(client: Client, make_table: MakeTable) -> None:
    # The counts may lag, as on AWS, but an idle table's come to what it holds.
    name = make_table("p", "p:S")
    for number in range(3):
        client.put_item(TableName=name, Item={"p": {"S": str(number)}, "d": {"S": "x" * 97}})
    client.delete_item(TableName=name, Key={"p": {"S": "0"}})
    table = client.describe_table(TableName=name)["Table"]
    assert table["ItemCount"] in (0, 2)
    assert table["TableSizeBytes"] in (0, 2 * 100)
