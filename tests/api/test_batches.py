"""BatchGetItem, BatchWriteItem and transactions: what they refuse as a whole, and what they tell."""

from typing import Any

import pytest
from tests.in_process import Api

SCHEMA = "The provided key element does not match the schema"
DUPLICATES = "Provided list of item keys contains duplicates"
EMPTY = (
    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string "
    "value. Key: p"
)
EMPTY_INDEX = (
    "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The "
    "AttributeValue for a key attribute cannot contain an empty string value. IndexName: global, IndexKey: g"
)
NAMES = {"ExpressionAttributeNames": {"#a": "b"}}
VALUES = {"ExpressionAttributeValues": {":a": {"S": "b"}}}


def key(text: str) -> dict[str, dict[str, str]]:
    return {"p": {"S": text}}


@pytest.fixture
def tables(api: Api) -> Api:
    """Tables abc, with a global index by g, and plain, both of the key p."""
    request: dict[str, Any] = {
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    api("CreateTable", TableName="plain", **request)
    index = {
        "IndexName": "global",
        "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    request["AttributeDefinitions"].append({"AttributeName": "g", "AttributeType": "S"})
    api("CreateTable", TableName="abc", **request, GlobalSecondaryIndexes=[index])
    return api


@pytest.mark.parametrize("table", ["abc", "plain"])
@pytest.mark.parametrize("item", [{"q": {"S": "a"}}, {"p": {"N": "1"}}, {}])
def test_a_batch_tells_misfits_of_puts_as_of_deletes(tables: Api, table: str, item: dict[str, Any]) -> None:
    for entry in ({"PutRequest": {"Item": item}}, {"DeleteRequest": {"Key": item}}):
        fault = tables.refused("BatchWriteItem", RequestItems={table: [entry]})
        assert (fault.code, fault.message) == ("ValidationException", SCHEMA)


def test_a_batch_tells_an_empty_key_as_it_is(tables: Api) -> None:
    for entry in ({"PutRequest": {"Item": key("")}}, {"DeleteRequest": {"Key": key("")}}):
        assert tables.refused("BatchWriteItem", RequestItems={"abc": [entry]}).message == EMPTY


def test_what_is_asked_of_two_tables_is_not_mixed(tables: Api) -> None:
    asked = {
        "abc": {"Keys": [key("a")], "ProjectionExpression": "p"},
        "plain": {"Keys": [key("a")], "AttributesToGet": ["p"]},
    }
    assert tables.refused("BatchGetItem", RequestItems=asked).message == (
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
        "{AttributesToGet} Expression parameters: {ProjectionExpression}"
    )


@pytest.mark.parametrize("name", ["abc", "none"])
def test_repeated_keys_are_told_first(tables: Api, name: str) -> None:
    asked = {name: {"Keys": [key("a"), key("a")]}}
    assert tables.refused("BatchGetItem", RequestItems=asked).message == DUPLICATES
    misfit = {"abc": {"Keys": [{"q": {"S": "a"}}]}, "none": {"Keys": [key("a"), key("a")]}}
    assert tables.refused("BatchGetItem", RequestItems=misfit).message == DUPLICATES


def test_a_table_is_asked_for_100_keys(tables: Api) -> None:
    asked = {"abc": {"Keys": [key(str(number)) for number in range(101)]}}
    fault = tables.refused("BatchGetItem", RequestItems=asked)
    assert (fault.code, fault.message) == (
        "ValidationException",
        "1 validation error detected: Value at 'RequestItems.abc.member.Keys' failed to satisfy constraint: "
        "Member must have length less than or equal to 100",
    )


def test_a_batch_that_is_asked_for_collections_tells_of_none(tables: Api) -> None:
    entries = {"plain": [{"PutRequest": {"Item": key("a")}}]}
    answer = tables("BatchWriteItem", RequestItems=entries, ReturnItemCollectionMetrics="SIZE")
    assert answer == {"UnprocessedItems": {}, "ItemCollectionMetrics": {}}
    assert "ItemCollectionMetrics" not in tables("BatchWriteItem", RequestItems=entries)


UPDATE = {"UpdateExpression": "SET n = :a", **VALUES}
PARTS: list[dict[str, Any]] = [
    {"Put": {"Item": key("")}},
    {"Update": {"Key": key(""), **UPDATE}},
    {"Delete": {"Key": key("")}},
    {"ConditionCheck": {"Key": key(""), "ConditionExpression": "attribute_not_exists(p)"}},
]


def part(entry: dict[str, Any], table: str = "abc") -> dict[str, Any]:
    return {kind: {"TableName": table, **each} for kind, each in entry.items()}


@pytest.mark.parametrize("entry", PARTS)
@pytest.mark.parametrize("table", ["abc", "plain"])
def test_an_empty_key_refuses_a_transaction(tables: Api, entry: dict[str, Any], table: str) -> None:
    """Also behind a part that would cancel it."""
    misfit = {"Put": {"TableName": "abc", "Item": {"p": {"N": "1"}}}}
    for before in ([], [misfit]):
        fault = tables.refused("TransactWriteItems", TransactItems=[*before, part(entry, table)])
        assert (fault.code, fault.message) == ("ValidationException", EMPTY)


def test_an_empty_key_refuses_a_reading_transaction(tables: Api) -> None:
    gets = [{"Get": {"TableName": "abc", "Key": {"q": {"S": "a"}}}}, {"Get": {"TableName": "abc", "Key": key("")}}]
    fault = tables.refused("TransactGetItems", TransactItems=gets)
    assert (fault.code, fault.message) == ("ValidationException", EMPTY)
    assert tables.refused("TransactGetItems", TransactItems=gets[:1]).code == "TransactionCanceledException"


def test_an_empty_key_of_an_index_refuses_a_transaction(tables: Api) -> None:
    """Put as it is, or by an update: nothing of the transaction is done."""
    other = {"Put": {"TableName": "plain", "Item": key("b")}}
    put = {"Put": {"TableName": "abc", "Item": {**key("a"), "g": {"S": ""}}}}
    fault = tables.refused("TransactWriteItems", TransactItems=[other, put])
    assert (fault.code, fault.message) == ("ValidationException", EMPTY_INDEX)
    update = {
        "TableName": "abc",
        "Key": key("a"),
        "UpdateExpression": "SET g = :g",
        "ExpressionAttributeValues": {":g": {"S": ""}},
    }
    fault = tables.refused("TransactWriteItems", TransactItems=[other, {"Update": update}])
    assert fault.code == "ValidationException"
    assert "attempted to update a secondary index key" in fault.message
    assert tables("Scan", TableName="plain")["Count"] == 0


@pytest.mark.parametrize("value", [{"N": "1"}, {"S": "x" * 2049}])
def test_other_misfits_cancel_a_transaction(tables: Api, value: dict[str, str]) -> None:
    fault = tables.refused("TransactWriteItems", TransactItems=[part({"Put": {"Item": {"p": value}}})])
    assert fault.code == "TransactionCanceledException"
    assert fault.body["CancellationReasons"][0]["Code"] == "ValidationError"


@pytest.mark.parametrize("more", [NAMES, VALUES, {**NAMES, **VALUES}])
def test_what_stands_beside_no_expression_is_not_missed(tables: Api, more: dict[str, Any]) -> None:
    """Neither is it in transactions on AWS."""
    for entry in ({"Put": {"Item": key("a"), **more}}, {"Delete": {"Key": key("a"), **more}}):
        assert tables("TransactWriteItems", TransactItems=[part(entry)]) == {}
    condition = {"ConditionExpression": "attribute_exists(p)"}
    fault = tables.refused("TransactWriteItems", TransactItems=[part({"Put": {"Item": key("a"), **condition, **more}})])
    assert "unused in expressions" in fault.message
    get = {"TableName": "abc", "Key": key("a"), **NAMES}
    assert tables("TransactGetItems", TransactItems=[{"Get": get}]) == {"Responses": [{}]}
    fault = tables.refused("TransactGetItems", TransactItems=[{"Get": {**get, "ProjectionExpression": "p"}}])
    assert "unused in expressions" in fault.message


def test_entries_of_indexes_cost_the_same_in_a_transaction(tables: Api) -> None:
    put = {"Put": {"TableName": "abc", "Item": {**key("a"), "g": {"S": "x"}}}}
    answer = tables("TransactWriteItems", TransactItems=[put], ReturnConsumedCapacity="INDEXES")

    def units(count: float) -> dict[str, float]:
        return {"CapacityUnits": count, "WriteCapacityUnits": count}

    assert answer["ConsumedCapacity"] == [
        {
            "TableName": "abc",
            **units(3.0),
            "Table": units(2.0),
            "GlobalSecondaryIndexes": {"global": units(1.0)},
        }
    ]


def test_a_token_belongs_to_the_tables_that_it_was_used_on(tables: Api) -> None:
    """A table that is made again is another one, to which nothing was done."""
    asked: dict[str, Any] = {
        "TransactItems": [{"Put": {"TableName": "plain", "Item": key("a")}}],
        "ClientRequestToken": "token",
    }
    tables("TransactWriteItems", **asked)
    tables("DeleteItem", TableName="plain", Key=key("a"))
    tables("TransactWriteItems", **asked)  # is known, and does nothing
    assert tables("Scan", TableName="plain")["Count"] == 0
    tables("DeleteTable", TableName="plain")
    tables(
        "CreateTable",
        TableName="plain",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    tables("TransactWriteItems", **asked)
    assert tables("Scan", TableName="plain")["Count"] == 1
    other = {**asked, "TransactItems": [{"Put": {"TableName": "plain", "Item": key("b")}}]}
    assert tables.refused("TransactWriteItems", **other).code == "IdempotentParameterMismatchException"


def test_a_batch_of_nothing(tables: Api) -> None:
    """Each in its own words: BatchGetItem has gone over to the layer of 2026, BatchWriteItem has not."""
    assert tables.refused("BatchGetItem", RequestItems={}).message == (
        "1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1"
    )
    nothing = tables.refused("BatchWriteItem", RequestItems={}, ReturnConsumedCapacity="TOTAL")
    assert nothing.message == "The requestItems parameter is required for BatchWriteItem"


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "x"}
    for _ in range(levels):
        value = {"L": [value]}
    return value


def test_values_of_a_transaction_that_are_nested_too_deeply(tables: Api) -> None:
    """What is put refuses all, an update cancels, and what is only compared with is not looked at."""
    told = (
        "Nesting Levels have exceeded supported limits: "
        "Attributes in the item have nested levels beyond supported limit"
    )
    key = {"p": {"S": "a"}}
    deep = {":v": nested(33)}
    put = {"Put": {"TableName": "abc", "Item": {**key, "v": nested(33)}}}
    assert tables.refused("TransactWriteItems", TransactItems=[put]).message == told
    update = {
        "Update": {
            "TableName": "abc", "Key": key, "UpdateExpression": "SET v = :v", "ExpressionAttributeValues": deep,
        }
    }  # fmt: skip
    canceled = tables.refused("TransactWriteItems", TransactItems=[update])
    assert canceled.body["CancellationReasons"] == [{"Code": "ValidationError", "Message": told}]
    asked = {"TableName": "abc", "Key": key, "ConditionExpression": "v <> :v", "ExpressionAttributeValues": deep}
    for kind in ("ConditionCheck", "Delete"):
        assert tables("TransactWriteItems", TransactItems=[{kind: asked}]) == {}
    too_deep = {**update["Update"], "ExpressionAttributeValues": {":v": nested(60)}}
    assert tables.refused("TransactWriteItems", TransactItems=[{"Update": too_deep}]).message == told
