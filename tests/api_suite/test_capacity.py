"""Consumed capacity: reads round up to 4 KB, writes to 1 KB, eventual reads cost half, transactions twice."""

from typing import Any

import pytest
from tests.api_suite.conftest import Client, MakeTable, index

KIB = 1024


@pytest.fixture(scope="module")
def table(make_table: MakeTable) -> str:
    """One local and two global indexes, so that a write's cost can be told apart by index."""
    return make_table(
        "p c",
        "p:S c:S l:N g:S",
        LocalSecondaryIndexes=[index("local", "p l", "KEYS_ONLY")],
        GlobalSecondaryIndexes=[index("all", "g"), index("keys", "g", "KEYS_ONLY")],
    )


def _item(partition: str, size: int, **more: Any) -> dict[str, Any]:
    """An item of exactly `size` bytes, further attributes not counted."""
    fixed = len("p" + partition + "c" + "x" + "data")
    return {"p": {"S": partition}, "c": {"S": "x"}, "data": {"S": "d" * (size - fixed)}, **more}


@pytest.mark.parametrize(
    ("size", "units"), [(100, 1.0), (KIB, 1.0), (KIB + 1, 2.0), (10 * KIB, 10.0), (10 * KIB + 1, 11.0)]
)
def test_a_write_rounds_up_to_1_kb(client: Client, table: str, unique: str, size: int, units: float) -> None:
    request = {"TableName": table, "ReturnConsumedCapacity": "TOTAL"}
    reply = client.put_item(Item=_item(unique, size), **request)
    assert reply["ConsumedCapacity"] == {"TableName": table, "CapacityUnits": units}
    reply = client.delete_item(Key={"p": {"S": unique}, "c": {"S": "x"}}, **request)
    assert reply["ConsumedCapacity"]["CapacityUnits"] == units  # by what was deleted


@pytest.mark.parametrize(("size", "units"), [(100, 1.0), (4 * KIB, 1.0), (4 * KIB + 1, 2.0), (40 * KIB, 10.0)])
def test_a_read_rounds_up_to_4_kb(client: Client, table: str, unique: str, size: int, units: float) -> None:
    client.put_item(TableName=table, Item=_item(unique, size))
    for consistent, factor in ((True, 1.0), (False, 0.5)):
        reply = client.get_item(
            TableName=table,
            Key={"p": {"S": unique}, "c": {"S": "x"}},
            ConsistentRead=consistent,
            ReturnConsumedCapacity="TOTAL",
            ProjectionExpression="c",  # what is left out was read all the same
        )
        assert reply["ConsumedCapacity"]["CapacityUnits"] == units * factor


def test_what_is_not_there_costs_the_least(client: Client, table: str, unique: str) -> None:
    request = {"TableName": table, "Key": {"p": {"S": unique}, "c": {"S": "x"}}, "ReturnConsumedCapacity": "TOTAL"}
    assert client.get_item(**request)["ConsumedCapacity"]["CapacityUnits"] == 0.5
    assert client.get_item(**request, ConsistentRead=True)["ConsumedCapacity"]["CapacityUnits"] == 1.0
    assert client.delete_item(**request)["ConsumedCapacity"]["CapacityUnits"] == 1.0


def test_an_update_costs_the_larger_of_before_and_after(client: Client, table: str, unique: str) -> None:
    client.put_item(TableName=table, Item=_item(unique, 3 * KIB))
    reply = client.update_item(
        TableName=table,
        Key={"p": {"S": unique}, "c": {"S": "x"}},
        UpdateExpression="REMOVE #d",
        ExpressionAttributeNames={"#d": "data"},
        ReturnConsumedCapacity="TOTAL",
    )
    assert reply["ConsumedCapacity"]["CapacityUnits"] == 3.0


def test_by_default_nothing_is_said(client: Client, table: str, unique: str) -> None:
    for more in ({}, {"ReturnConsumedCapacity": "NONE"}):
        assert "ConsumedCapacity" not in client.put_item(TableName=table, Item=_item(unique, 100), **more)


def _index_units(reply: dict[str, Any]) -> dict[str, float]:
    """Units by part: 'table' and every index that has some."""
    consumed = reply["ConsumedCapacity"]
    found = {"table": consumed["Table"]["CapacityUnits"]}
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        found.update({name: each["CapacityUnits"] for name, each in consumed.get(kind, {}).items()})
    assert consumed["CapacityUnits"] == sum(found.values())
    return found


def test_a_write_costs_by_what_changes_in_each_index(client: Client, table: str, unique: str) -> None:
    red, blue = {"S": unique + "red"}, {"S": unique + "blue"}

    def put(**more: Any) -> dict[str, float]:
        item = {"p": {"S": unique}, "c": {"S": "x"}, **more}
        return _index_units(client.put_item(TableName=table, Item=item, ReturnConsumedCapacity="INDEXES"))

    assert put() == {"table": 1.0}
    assert put(l={"N": "1"}) == {"table": 1.0, "local": 1.0}
    assert put(l={"N": "1"}, g=red) == {"table": 1.0, "all": 1.0, "keys": 1.0}
    assert put(l={"N": "1"}, g=red) == {"table": 1.0}  # no index changes
    assert put(l={"N": "1"}, g=red, other={"S": "x"}) == {"table": 1.0, "all": 1.0}
    # An entry that moves is deleted and put.
    assert put(l={"N": "1"}, g=blue, other={"S": "x"}) == {"table": 1.0, "all": 2.0, "keys": 2.0}
    assert put(other={"S": "x"}) == {"table": 1.0, "local": 1.0, "all": 1.0, "keys": 1.0}


def test_a_query_rounds_up_the_sum_of_its_items(client: Client, sort_table: str, unique: str) -> None:
    # Ten items of 1 KB are 10 KB, three units; rounded up one by one they would be ten.
    for number in range(10):
        fixed = len("pcd" + unique) + 2
        item = {"p": {"S": unique}, "c": {"N": str(number + 1)}, "d": {"S": "x" * (KIB - fixed)}}
        client.put_item(TableName=sort_table, Item=item)
    request = {
        "TableName": sort_table,
        "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": {":p": {"S": unique}},
        "ReturnConsumedCapacity": "TOTAL",
    }
    assert client.query(**request, ConsistentRead=True)["ConsumedCapacity"]["CapacityUnits"] == 3.0
    assert client.query(**request)["ConsumedCapacity"]["CapacityUnits"] == 1.5
    assert client.query(**request, Select="COUNT")["ConsumedCapacity"]["CapacityUnits"] == 1.5


def test_a_query_of_an_index_is_counted_there(client: Client, table: str, unique: str) -> None:
    group = {"S": unique + "g"}
    for number in range(4):
        item = {"p": {"S": unique}, "c": {"S": str(number)}, "g": group, "l": {"N": "1"}, "d": {"S": "x" * 3 * KIB}}
        client.put_item(TableName=table, Item=item)
    request = {"TableName": table, "ReturnConsumedCapacity": "INDEXES", "Select": "COUNT"}
    by_group = {"KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": group}}
    reply = client.query(IndexName="all", **by_group, **request)
    assert _index_units(reply) == {"table": 0.0, "all": 2.0}  # 12 KB and a little, halved
    reply = client.query(IndexName="keys", **by_group, **request)
    assert _index_units(reply) == {"table": 0.0, "keys": 0.5}


def test_a_local_index_that_must_fetch_pays_the_table_for_each_item(client: Client, table: str, unique: str) -> None:
    for number in range(3):
        item = {"p": {"S": unique}, "c": {"S": str(number)}, "l": {"N": "1"}, "d": {"S": "x" * 100}}
        client.put_item(TableName=table, Item=item)
    reply = client.query(
        TableName=table,
        IndexName="local",
        KeyConditionExpression="p = :p",
        ExpressionAttributeValues={":p": {"S": unique}},
        ProjectionExpression="d",
        ReturnConsumedCapacity="INDEXES",
    )
    assert reply["Items"][0] == {"d": {"S": "x" * 100}}
    assert _index_units(reply) == {"table": 1.5, "local": 0.5}


def test_a_batch_adds_up_what_each_item_costs(client: Client, table: str, hash_table: str, unique: str) -> None:
    puts = [{"PutRequest": {"Item": _item(unique, KIB + 1)}}]
    other = [{"PutRequest": {"Item": {"p": {"S": unique + str(number)}}}} for number in range(3)]
    reply = client.batch_write_item(RequestItems={table: puts, hash_table: other}, ReturnConsumedCapacity="TOTAL")
    assert _by_table(reply) == {table: 2.0, hash_table: 3.0}
    keys = [put["PutRequest"]["Item"] for put in other]
    request = {hash_table: {"Keys": keys, "ConsistentRead": True}}
    reply = client.batch_get_item(RequestItems=request, ReturnConsumedCapacity="TOTAL")
    assert _by_table(reply) == {hash_table: 3.0}


@pytest.mark.deviates("dynamodb-local", "a key without an item costs nothing there")
def test_a_batch_pays_for_keys_that_have_no_item(client: Client, hash_table: str, unique: str) -> None:
    keys = [{"p": {"S": unique + str(number)}} for number in range(3)]
    reply = client.batch_get_item(RequestItems={hash_table: {"Keys": keys}}, ReturnConsumedCapacity="TOTAL")
    assert _by_table(reply) == {hash_table: 1.5}


@pytest.mark.deviates("dynamodb-local", "it counts a write of a transaction four times")
def test_a_transaction_costs_twice(client: Client, hash_table: str, unique: str) -> None:
    key = {"p": {"S": unique}}
    actions: list[dict[str, Any]] = [
        {"Put": {"TableName": hash_table, "Item": {"p": {"S": unique + "put"}, "d": {"S": "x" * KIB}}}},
        {"Delete": {"TableName": hash_table, "Key": key}},
        {
            "ConditionCheck": {
                "TableName": hash_table,
                "Key": {"p": {"S": unique + "none"}},
                "ConditionExpression": "attribute_not_exists(p)",
            }
        },
    ]
    reply = client.transact_write_items(TransactItems=actions, ReturnConsumedCapacity="TOTAL")
    assert _by_table(reply) == {hash_table: 4.0 + 2.0 + 2.0}
    reply = client.transact_get_items(
        TransactItems=[{"Get": {"TableName": hash_table, "Key": key}}], ReturnConsumedCapacity="TOTAL"
    )
    assert _by_table(reply) == {hash_table: 2.0}
    assert reply["ConsumedCapacity"][0]["ReadCapacityUnits"] == 2.0


def _by_table(reply: dict[str, Any]) -> dict[str, float]:
    return {each["TableName"]: each["CapacityUnits"] for each in reply["ConsumedCapacity"]}
