"""Consumed capacity: DynamoDB's rounding, of each kind of read and write."""

from typing import Any

import pytest
from tests.in_process import Api

from statordb.metering.units import read_units

KIB = 1024


@pytest.mark.parametrize(
    ("size", "units"), [(0, 1), (1, 1), (4 * KIB, 1), (4 * KIB + 1, 2), (8 * KIB, 2), (400 * KIB, 100)]
)
def test_reads_are_rounded_up_to_4_kilobytes(size: int, units: int) -> None:
    assert read_units(size, True) == units
    assert read_units(size, False) == units / 2


@pytest.fixture
def table(api: Api) -> Api:
    """With a table abc of key p, c and a global index on g that holds keys only."""
    api(
        "CreateTable",
        TableName="abc",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in "pcg"],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "ggg",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return api


def item(c: str, size: int, **more: str) -> dict[str, Any]:
    """An item of `size` bytes."""
    content = {"p": "a", "c": c, **more}
    rest = size - sum(len(name) + len(text) for name, text in content.items()) - 1
    return {name: {"S": text} for name, text in {**content, "v": "x" * rest}.items()}


def cost(api: Api, operation: str, detail: str = "INDEXES", **request: Any) -> Any:
    return api(operation, TableName="abc", ReturnConsumedCapacity=detail, **request)["ConsumedCapacity"]


def key(c: str) -> dict[str, Any]:
    return {"p": {"S": "a"}, "c": {"S": c}}


def test_writes_are_charged_by_the_larger_of_old_and_new(table: Api) -> None:
    sizes = [(KIB, 1.0), (KIB + 1, 2.0), (10, 2.0), (3 * KIB, 3.0)]
    for size, units in sizes:
        assert cost(table, "PutItem", "TOTAL", Item=item("1", size)) == {"TableName": "abc", "CapacityUnits": units}
    assert cost(table, "DeleteItem", Key=key("1"))["CapacityUnits"] == 3.0
    assert cost(table, "DeleteItem", Key=key("1"))["CapacityUnits"] == 1.0  # of what is not there


def test_writes_of_index_entries_come_on_top(table: Api) -> None:
    def of_index(operation: str, **request: Any) -> Any:
        answer = cost(table, operation, **request)
        used = answer.get("GlobalSecondaryIndexes", {"ggg": {"CapacityUnits": 0.0}})["ggg"]["CapacityUnits"]
        assert answer["CapacityUnits"] == answer["Table"]["CapacityUnits"] + used
        return used

    assert of_index("PutItem", Item=item("1", 2000)) == 0.0
    assert of_index("PutItem", Item=item("1", 2000, g="x")) == 1.0  # comes
    assert of_index("PutItem", Item=item("1", 3000, g="x")) == 0.0  # what changed is not in it
    assert of_index("PutItem", Item=item("1", 3000, g="y")) == 2.0  # moves
    assert of_index("DeleteItem", Key=key("1")) == 1.0  # goes


def test_a_page_is_charged_as_a_whole(table: Api) -> None:
    """Not item by item, as a batch is."""
    for c in "123":
        table("PutItem", TableName="abc", Item=item(c, 3000, g="x"))
    asked: dict[str, Any] = {
        "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": {":p": {"S": "a"}},
    }
    assert cost(table, "Query", "TOTAL", **asked)["CapacityUnits"] == 1.5  # 9,000 bytes, half of 3
    assert cost(table, "Query", "TOTAL", ConsistentRead=True, **asked)["CapacityUnits"] == 3.0
    quarters = [cost(table, "Scan", "TOTAL", Segment=n, TotalSegments=4, Select="COUNT") for n in range(4)]
    assert sorted(each["CapacityUnits"] for each in quarters) == [0.5, 0.5, 0.5, 1.5]
    asked = {"KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "x"}}, "IndexName": "ggg"}
    assert cost(table, "Query", **asked) == {
        "TableName": "abc",
        "CapacityUnits": 0.5,
        "Table": {"CapacityUnits": 0.0},
        "GlobalSecondaryIndexes": {"ggg": {"CapacityUnits": 0.5}},
    }
    batch = {"abc": {"Keys": [key(c) for c in "123"], "ConsistentRead": True}}
    (charged,) = table("BatchGetItem", RequestItems=batch, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert charged["CapacityUnits"] == 3.0  # one each


def test_a_scan_costs_a_unit_in_each_partition_that_it_goes_through(table: Api) -> None:
    """A table on demand has four. ScyllaDB's tests found 4 units for a scan of one small item on AWS, and 2."""
    for p in "abcdefgh":
        table("PutItem", TableName="abc", Item={"p": {"S": p}, "c": {"S": "c"}, "g": {"S": p}})

    def units(**more: Any) -> Any:
        return cost(table, "Scan", "TOTAL", **more)["CapacityUnits"]

    assert (units(), units(ConsistentRead=True), units(Select="COUNT", ConsistentRead=True)) == (2.0, 4.0, 4.0)
    for total, each in ((4, 1.0), (8, 1.0), (2, 2.0)):
        for segment in range(total):
            assert units(Segment=segment, TotalSegments=total, ConsistentRead=True) == each
    of_index = cost(table, "Scan", IndexName="ggg")
    assert of_index["GlobalSecondaryIndexes"] == {"ggg": {"CapacityUnits": 2.0}}
    assert of_index["Table"] == {"CapacityUnits": 0.0}
    select = {"Statement": "SELECT * FROM abc", "ReturnConsumedCapacity": "TOTAL"}
    assert table("ExecuteStatement", **select)["ConsumedCapacity"]["CapacityUnits"] == 2.0
    select["Statement"] += " WHERE p = 'a'"
    assert table("ExecuteStatement", **select)["ConsumedCapacity"]["CapacityUnits"] == 0.5


def test_the_pages_of_a_scan_share_its_partitions(table: Api) -> None:
    """Each costs a unit in all that it goes through, those counted where it begins and where it ends."""
    for n in range(16):
        table("PutItem", TableName="abc", Item={"p": {"S": str(n)}, "c": {"S": "c"}})
    scan: dict[str, Any] = {"TableName": "abc", "Limit": 5, "ConsistentRead": True, "ReturnConsumedCapacity": "TOTAL"}
    costs = []
    page = table("Scan", **scan)
    costs.append(page["ConsumedCapacity"]["CapacityUnits"])
    while "LastEvaluatedKey" in page:
        page = table("Scan", **scan, ExclusiveStartKey=page["LastEvaluatedKey"])
        costs.append(page["ConsumedCapacity"]["CapacityUnits"])
    assert len(costs) == 4
    assert all(1.0 <= each <= 4.0 for each in costs)
    assert sum(costs) == 4.0 + len(costs) - 1  # where one page ends, the next begins


def test_a_provisioned_table_has_the_partitions_that_its_figures_take(api: Api) -> None:
    for units, partitions in ((5, 1.0), (1000, 1.0), (1001, 2.0), (1_000_000, 40.0)):
        name = f"abc{units}"
        api(
            "CreateTable",
            TableName=name,
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": units},
        )
        scan = {"TableName": name, "ConsistentRead": True, "ReturnConsumedCapacity": "TOTAL"}
        assert api("Scan", **scan)["ConsumedCapacity"]["CapacityUnits"] == partitions


def test_transactions_are_charged_twice_but_for_indexes(table: Api) -> None:
    put = {"Put": {"TableName": "abc", "Item": item("1", 1500, g="x")}}
    answer = table("TransactWriteItems", TransactItems=[put], ReturnConsumedCapacity="INDEXES")
    assert answer["ConsumedCapacity"] == [
        {
            "TableName": "abc",
            "CapacityUnits": 5.0,
            "WriteCapacityUnits": 5.0,
            "Table": {"CapacityUnits": 4.0, "WriteCapacityUnits": 4.0},
            "GlobalSecondaryIndexes": {"ggg": {"CapacityUnits": 1.0, "WriteCapacityUnits": 1.0}},
        }
    ]
    get = {"Get": {"TableName": "abc", "Key": key("1")}}
    answer = table("TransactGetItems", TransactItems=[get], ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"] == [{"TableName": "abc", "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0}]


def test_nothing_is_told_unless_asked(table: Api) -> None:
    for more in ({}, {"ReturnConsumedCapacity": "NONE"}):
        request: dict[str, Any] = {"TableName": "abc", "Item": item("1", 50), **more}
        assert table("PutItem", **request) == {}


def test_a_table_is_named_as_it_was_asked_for(table: Api) -> None:
    """By its ARN where the request has that."""
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/abc"
    whole, wanted = {"TableName": arn, "Key": key("1")}, {"ReturnConsumedCapacity": "TOTAL"}
    condition = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}
    for operation, request in (
        ("PutItem", {"TableName": arn, "Item": key("1")}),
        ("UpdateItem", whole),
        ("GetItem", whole),
        ("DeleteItem", whole),
        ("Query", {"TableName": arn, **condition}),
        ("Scan", {"TableName": arn}),
    ):
        assert table(operation, **request, **wanted)["ConsumedCapacity"]["TableName"] == arn
    for operation, request in (
        ("BatchGetItem", {"RequestItems": {arn: {"Keys": [key("1")]}}}),
        ("BatchWriteItem", {"RequestItems": {arn: [{"PutRequest": {"Item": key("1")}}]}}),
        ("TransactGetItems", {"TransactItems": [{"Get": whole}]}),
        ("TransactWriteItems", {"TransactItems": [{"Delete": whole}]}),
    ):
        (charged,) = table(operation, **request, **wanted)["ConsumedCapacity"]
        assert charged["TableName"] == arn
