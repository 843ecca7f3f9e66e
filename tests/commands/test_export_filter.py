"""FilterSpecification: what of a table an export has."""

from typing import Any

import orjson
import pytest
from tests.in_process import PRINCIPAL, Api

from statordb.commands.export_filter import EMPTY, ExportFilter, export_filter
from statordb.model.errors import ClientError
from statordb.store.table import Table

ITEM = {"pk": {"S": "a"}, "sk": {"N": "5"}, "x": {"S": "secret"}, "n": {"N": "7"}}
NAMES = {"#p": "pk"}
VALUE = {":a": {"S": "a"}}


@pytest.fixture
def table(api: Api) -> Table:
    api(
        "CreateTable",
        TableName="table",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    found: Table = api.run(api.store.catalog.find(PRINCIPAL.account, PRINCIPAL.region, "table"))
    return found


def made(table: Table, **members: Any) -> ExportFilter:
    return export_filter(members, table.primary)


def item(some: ExportFilter, **changes: Any) -> Any:
    """What an export has of the item with these changes."""
    found = some.item(orjson.dumps(ITEM | changes))
    return None if found is None else orjson.loads(found)


def test_a_key_condition_is_of_one_partition(table: Table) -> None:
    some = made(
        table,
        KeyConditionExpression="#p = :a AND sk BETWEEN :low AND :high",
        ExpressionAttributeNames=NAMES,
        ExpressionAttributeValues=VALUE | {":low": {"N": "5.0"}, ":high": {"N": "1e1"}},
    )
    assert some.key_range is not None
    assert some.key_range.partition == table.primary.partition(ITEM)
    assert item(some) == ITEM
    assert item(some, sk={"N": "10"}) is not None
    assert item(some, sk={"N": "11"}) is None
    assert item(some, pk={"S": "b"}) is None


def test_a_filter_alone_may_look_at_keys(table: Table) -> None:
    some = made(
        table, FilterExpression="sk > :n OR contains(pk, :a)", ExpressionAttributeValues=VALUE | {":n": {"N": "9"}}
    )
    assert some.key_range is None
    assert item(some) == ITEM
    assert item(some, pk={"S": "b"}) is None
    assert item(some, pk={"S": "b"}, sk={"N": "10"}) is not None


def test_a_projection_leaves_out_what_it_does_not_name(table: Table) -> None:
    some = made(table, ProjectionExpression="pk, sk, n")
    assert item(some) == {name: ITEM[name] for name in ("pk", "sk", "n")}


def test_an_item_that_is_all_wanted_is_its_text(table: Table) -> None:
    text = b'{"n" : {"N":"7"}}'
    some = made(table, FilterExpression="attribute_exists(n)")
    assert some.item(text) is text


def test_the_latest_image_of_a_record_decides(table: Table) -> None:
    """Of a deleted item that is the old one."""
    some = made(
        table, FilterExpression="n = :n", ProjectionExpression="n", ExpressionAttributeValues={":n": {"N": "1"}}
    )
    one, two = b'{"n":{"N":"1"},"x":{"S":"y"}}', b'{"n":{"N":"2"},"x":{"S":"y"}}'
    assert some.record(one, two) == (b'{"n":{"N":"1"}}', b'{"n":{"N":"2"}}')
    assert some.record(two, one) is None
    assert some.record(None, one) == (None, b'{"n":{"N":"1"}}')
    assert some.record(one, None) == (b'{"n":{"N":"1"}}', None)
    assert some.record(None, two) is None


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, EMPTY),
        (
            {
                "KeyConditionExpression": "pk = :a",
                "FilterExpression": "sk = :a",
                "ExpressionAttributeValues": VALUE,
            },
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk",
        ),
        (
            {"KeyConditionExpression": "sk = :a", "ExpressionAttributeValues": VALUE},
            "Query condition missed key schema element: pk",
        ),
        (
            {"KeyConditionExpression": "pk = :a OR pk = :a", "ExpressionAttributeValues": VALUE},
            "Invalid operator used in KeyConditionExpression: OR",
        ),
        (
            {"FilterExpression": "n = :a", "ExpressionAttributeValues": VALUE | {":b": {"S": "b"}}},
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}",
        ),
        (
            {"FilterExpression": "n = :a", "ExpressionAttributeValues": {":a": {"N": "x"}}},
            "ExpressionAttributeValues contains invalid value: "
            "The parameter cannot be converted to a numeric value: x for key :a",
        ),
        ({"ProjectionExpression": "a, a"}, "Two document paths overlap with each other"),
    ],
)
def test_what_is_no_specification(table: Table, members: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError) as caught:
        made(table, **members)
    assert message in str(caught.value.message)
    assert caught.value.code == "ValidationException"
