"""PutItem, GetItem, UpdateItem and DeleteItem: the main ways, and each refusal with its text."""

from base64 import b64encode
from typing import Any

import pytest
from tests.in_process import Api

DETECTED = "1 validation error detected: "
INVALID = "One or more parameter values were invalid: "
KEY = {"p": {"S": "a"}, "c": {"N": "1"}}
ITEM = {**KEY, "v": {"N": "1"}, "s": {"SS": ["x"]}}


@pytest.fixture
def table(api: Api) -> Api:
    """With a table abc of key p (S), c (N), a local index on l (S) and a global one on g (B)."""
    projection = {"ProjectionType": "ALL"}
    api(
        "CreateTable",
        TableName="abc",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": word[0], "AttributeType": word[1]} for word in ("pS", "cN", "lS", "gB")
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "local",
                "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
                "Projection": projection,
            }
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "global",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": projection,
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return api


def get(api: Api, **more: Any) -> Any:
    return api("GetItem", TableName="abc", Key=KEY, **more).get("Item")


def test_an_item_is_put_read_and_replaced_whole(table: Api) -> None:
    assert get(table) is None
    assert table("PutItem", TableName="abc", Item=ITEM) == {}
    assert get(table) == ITEM
    assert table("PutItem", TableName="abc", Item=KEY, ReturnValues="ALL_OLD") == {"Attributes": ITEM}
    assert get(table) == KEY


def test_numbers_come_back_normalised_and_address_the_same_item(table: Api) -> None:
    table("PutItem", TableName="abc", Item={"p": {"S": "a"}, "c": {"N": "1.00"}, "v": {"NS": ["1e2", "-0.50"]}})
    for text in ("1", "1.0", "0.1e1", "+1"):
        key = {"p": {"S": "a"}, "c": {"N": text}}
        assert table("GetItem", TableName="abc", Key=key)["Item"] == {**KEY, "v": {"NS": ["-0.5", "100"]}}


def test_a_projection_cuts_the_item(table: Api) -> None:
    table("PutItem", TableName="abc", Item=ITEM)
    assert get(table, ProjectionExpression="v, nothing") == {"v": {"N": "1"}}
    assert get(table, AttributesToGet=["v"]) == {"v": {"N": "1"}}


@pytest.mark.parametrize("operation", ["PutItem", "DeleteItem", "UpdateItem"])
def test_a_failed_condition_changes_nothing_and_shows_the_item_if_asked(table: Api, operation: str) -> None:
    table("PutItem", TableName="abc", Item=ITEM)
    request: dict[str, Any] = {
        "TableName": "abc",
        "ConditionExpression": "v = :v",
        "ExpressionAttributeValues": {":v": {"N": "2"}},
        **({"Item": KEY} if operation == "PutItem" else {"Key": KEY}),
    }
    fault = table.refused(operation, **request)
    assert fault.body == {
        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "message": "The conditional request failed",
    }
    fault = table.refused(operation, **request, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert fault.body["Item"] == ITEM
    missing = {**KEY, "c": {"N": "2"}}
    request.update({"Item": missing} if operation == "PutItem" else {"Key": missing})
    fault = table.refused(operation, **request, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert "Item" not in fault.body
    assert get(table) == ITEM


def test_legacy_expectations_work_alike(table: Api) -> None:
    table("PutItem", TableName="abc", Item=ITEM, Expected={"p": {"Exists": False}})
    assert table.refused("PutItem", TableName="abc", Item=ITEM, Expected={"p": {"Exists": False}}).code == (
        "ConditionalCheckFailedException"
    )
    table("DeleteItem", TableName="abc", Key=KEY, Expected={"v": {"Value": {"N": "1.0"}}})
    assert get(table) is None


@pytest.mark.parametrize(
    ("returns", "attributes"),
    [
        ("NONE", None),
        ("ALL_OLD", ITEM),
        ("ALL_NEW", {**KEY, "v": {"N": "3"}, "w": {"S": "x"}}),
        ("UPDATED_OLD", {"v": {"N": "1"}, "s": {"SS": ["x"]}}),
        ("UPDATED_NEW", {"v": {"N": "3"}, "w": {"S": "x"}}),
    ],
)
def test_what_an_update_returns(table: Api, returns: str, attributes: Any) -> None:
    table("PutItem", TableName="abc", Item=ITEM)
    answer = table(
        "UpdateItem",
        TableName="abc",
        Key=KEY,
        UpdateExpression="SET v = v + :two, w = :w REMOVE s",
        ExpressionAttributeValues={":two": {"N": "2"}, ":w": {"S": "x"}},
        ReturnValues=returns,
    )
    assert answer == ({} if attributes is None else {"Attributes": attributes})


def test_an_update_of_nothing_makes_an_item_of_its_key(table: Api) -> None:
    assert table("UpdateItem", TableName="abc", Key=KEY, ReturnValues="ALL_NEW") == {"Attributes": KEY}
    assert get(table) == KEY


def test_removals_alone_make_no_item(table: Api) -> None:
    assert table("UpdateItem", TableName="abc", Key=KEY, UpdateExpression="REMOVE v", ReturnValues="ALL_NEW") == {}
    assert get(table) is None


def test_an_update_that_breaks_a_limit_changes_nothing(table: Api) -> None:
    big = {"S": "x" * (400 * 1024 - 20)}
    table("PutItem", TableName="abc", Item={**KEY, "v": big})
    fault = table.refused(
        "UpdateItem",
        TableName="abc",
        Key=KEY,
        UpdateExpression="SET w = :w",
        ExpressionAttributeValues={":w": {"S": "x" * 20}},
    )
    assert fault.message == "Item size to update has exceeded the maximum allowed size"
    assert get(table) == {**KEY, "v": big}


def test_the_largest_item_fits(table: Api) -> None:
    """400 KB, names included, to the byte."""
    rest = 400 * 1024 - len("pacv") - 2
    table("PutItem", TableName="abc", Item={**KEY, "v": {"S": "x" * rest}})
    fault = table.refused("PutItem", TableName="abc", Item={**KEY, "v": {"S": "x" * (rest + 1)}})
    assert fault.message == "Item size has exceeded the maximum allowed size"


def test_the_longest_keys_fit(api: Api) -> None:
    """2,048 and 1,024 bytes, of UTF-8 or decoded."""
    api(
        "CreateTable",
        TableName="long",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "p", "AttributeType": "S"},
            {"AttributeName": "c", "AttributeType": "B"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    fits = {"p": {"S": "é" * 1024}, "c": {"B": b64encode(bytes(1024)).decode()}}
    api("PutItem", TableName="long", Item=fits)
    assert api("GetItem", TableName="long", Key=fits)["Item"] == fits
    for name, value, text in (
        ("p", {"S": "é" * 1024 + "x"}, "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
        (
            "c",
            {"B": b64encode(bytes(1025)).decode()},
            "Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
        ),
    ):
        for operation, member in (
            ("PutItem", "Item"),
            ("GetItem", "Key"),
            ("DeleteItem", "Key"),
            ("UpdateItem", "Key"),
        ):
            fault = api.refused(operation, TableName="long", **{member: {**fits, name: value}})
            assert fault.message == INVALID + text


UNFIT = "The provided key element does not match the schema"
EMPTY = (
    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
    "string value. Key: p"
)


@pytest.mark.parametrize("operation", ["GetItem", "DeleteItem", "UpdateItem"])
@pytest.mark.parametrize(
    ("key", "message"),
    [
        ({"p": {"S": "a"}}, UNFIT),
        ({**KEY, "more": {"S": "x"}}, UNFIT),
        ({"p": {"S": "a"}, "d": {"N": "1"}}, UNFIT),
        ({"p": {"S": "a"}, "c": {"S": "1"}}, UNFIT),
        ({"p": {"S": ""}, "c": {"N": "1"}}, EMPTY),
        ({"p": {"S": "a"}, "c": {"N": "x"}}, "The parameter cannot be converted to a numeric value: x"),
        ({}, UNFIT),
    ],
)
def test_keys_that_do_not_fit(table: Api, operation: str, key: dict[str, Any], message: str) -> None:
    fault = table.refused(operation, TableName="abc", Key=key)
    assert (fault.code, fault.message) == ("ValidationException", message)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"p": {"S": "a"}}, INVALID + "Missing the key c in the item"),
        ({"c": {"N": "1"}}, INVALID + "Missing the key p in the item"),
        ({**KEY, "c": {"S": "1"}}, INVALID + "Type mismatch for key c expected: N actual: S"),
        ({**KEY, "p": {"S": ""}}, EMPTY),
        (
            {**KEY, "l": {"N": "1"}},
            INVALID + "Type mismatch for Index Key l Expected: S Actual: N IndexName: local",
        ),
        (
            {**KEY, "g": {"NULL": True}},
            INVALID + "Type mismatch for Index Key g Expected: B Actual: NULL IndexName: global",
        ),
        (
            {**KEY, "g": {"B": ""}},
            "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
            "The AttributeValue for a key attribute cannot contain an empty binary value. IndexName: global, "
            "IndexKey: g",
        ),
        (
            {**KEY, "l": {"S": "x" * 1025}},
            INVALID + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
        ),
        (
            {**KEY, "g": {"B": b64encode(bytes(2049)).decode()}},
            INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
        ({**KEY, "v": {"SS": []}}, DETECTED + INVALID + "An string set  may not be empty"),
        ({**KEY, "": {"S": "x"}}, DETECTED + "Empty attribute name"),
    ],
)
def test_items_that_do_not_fit(table: Api, item: dict[str, Any], message: str) -> None:
    fault = table.refused("PutItem", TableName="abc", Item=item)
    assert (fault.code, fault.message) == ("ValidationException", message)
    assert table("Scan", TableName="abc")["Count"] == 0


@pytest.mark.parametrize(
    ("expression", "values", "message"),
    [
        ("SET p = :v", {":v": {"S": "x"}}, INVALID + "Cannot update attribute p. This attribute is part of the key"),
        ("REMOVE c", None, INVALID + "Cannot update attribute c. This attribute is part of the key"),
        (
            "SET l = :v",
            {":v": {"N": "1"}},
            INVALID + "Type mismatch for Index Key l Expected: S Actual: N IndexName: local",
        ),
        ("SET l = v", None, "The update expression attempted to update the secondary index key to unsupported type"),
        (
            "SET l = v + :v",
            {":v": {"N": "1"}},
            "The update expression attempted to update the secondary index key to unsupported type",
        ),
        (
            "SET l = :v",
            {":v": {"S": ""}},
            "One or more parameter values are not valid. The update expression attempted to update a secondary index "
            "key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty "
            "string value.",
        ),
        (
            "SET g = :v",
            {":v": {"B": ""}},
            "One or more parameter values are not valid. The update expression attempted to update a secondary index "
            "key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty "
            "binary value.",
        ),
        (
            "SET g.h = :v",
            {":v": {"N": "1"}},
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: g",
        ),
        ("SET v = w", None, "The provided expression refers to an attribute that does not exist in the item"),
        ("ADD s :v", {":v": {"N": "1"}}, "An operand in the update expression has an incorrect data type"),
    ],
)
def test_updates_that_do_not_fit(table: Api, expression: str, values: Any, message: str) -> None:
    table("PutItem", TableName="abc", Item=ITEM)
    more = {} if values is None else {"ExpressionAttributeValues": values}
    fault = table.refused("UpdateItem", TableName="abc", Key=KEY, UpdateExpression=expression, **more)
    assert (fault.code, fault.message) == ("ValidationException", message)
    assert get(table) == ITEM


def test_a_legacy_update_gives_its_values_itself(table: Api) -> None:
    table("PutItem", TableName="abc", Item=ITEM)
    updates = {"l": {"Value": {"N": "1"}, "Action": "PUT"}}
    fault = table.refused("UpdateItem", TableName="abc", Key=KEY, AttributeUpdates=updates)
    assert fault.message == INVALID + "Type mismatch for Index Key l Expected: S Actual: N IndexName: local"


def test_an_item_older_than_an_index_that_it_does_not_fit_can_be_updated(table: Api) -> None:
    """What an update leaves as it was is not held against it."""
    table("PutItem", TableName="abc", Item={**ITEM, "h": {"N": "1"}})
    index = {"IndexName": "late", "KeySchema": [{"AttributeName": "h", "KeyType": "HASH"}]}
    table(
        "UpdateTable",
        TableName="abc",
        AttributeDefinitions=[{"AttributeName": "h", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": {**index, "Projection": {"ProjectionType": "ALL"}}}],
    )
    table("UpdateItem", TableName="abc", Key=KEY, UpdateExpression="REMOVE v")
    assert "v" not in get(table)
    fault = table.refused("UpdateItem", TableName="abc", Key=KEY, UpdateExpression="SET h = h")
    assert fault.message == "The update expression attempted to update the secondary index key to unsupported type"


@pytest.mark.parametrize(("path", "kind"), [("p.x", "Key: p"), ("c[0]", "Key: c"), ("l.x", "IndexKey: l")])
def test_no_read_goes_into_a_key(table: Api, path: str, kind: str) -> None:
    """An item's key has nothing inside: as Query and Scan, so all reads of items by their keys."""
    asked = {"ProjectionExpression": path}
    text = f"Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: {kind}"
    assert table.refused("GetItem", TableName="abc", Key=KEY, **asked).message == text
    assert table.refused("BatchGetItem", RequestItems={"abc": {"Keys": [KEY], **asked}}).message == text
    get_ = {"Get": {"TableName": "abc", "Key": KEY, **asked}}
    fault = table.refused("TransactGetItems", TransactItems=[get_])
    assert (fault.code, fault.message) == ("ValidationException", text)


@pytest.mark.parametrize(
    ("operation", "more", "message"),
    [
        ("PutItem", {"ReturnValues": "ALL_NEW"}, DETECTED + "ReturnValues can only be ALL_OLD or NONE"),
        ("DeleteItem", {"ReturnValues": "UPDATED_OLD"}, DETECTED + "ReturnValues can only be ALL_OLD or NONE"),
        (
            "PutItem",
            {"ConditionExpression": "v = :v", "ExpressionAttributeValues": {":v": {"N": "1"}, ":w": {"N": "1"}}},
            DETECTED + "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}",
        ),
        (
            "PutItem",
            {"ConditionExpression": "v = :v", "ExpressionAttributeValues": {":v": {"N": "x"}}},
            "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x "
            "for key :v",
        ),
        (
            "PutItem",
            {"ConditionExpression": "v = :v", "Expected": {"v": {"Exists": False}}},
            DETECTED + "Can not use both expression and non-expression parameters in the same request: "
            "Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}",
        ),
        (
            "GetItem",
            {"ProjectionExpression": "v", "AttributesToGet": ["v"]},
            "Can not use both expression and non-expression parameters in the same request: "
            "Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}",
        ),
    ],
)
def test_requests_that_contradict_themselves(table: Api, operation: str, more: dict[str, Any], message: str) -> None:
    key = {"Item": KEY} if operation == "PutItem" else {"Key": KEY}
    fault = table.refused(operation, TableName="abc", **key, **more)
    assert (fault.code, fault.message) == ("ValidationException", message)


@pytest.mark.parametrize("operation", ["PutItem", "GetItem", "UpdateItem", "DeleteItem"])
def test_a_table_that_is_not_there(api: Api, operation: str) -> None:
    key = {"Item": KEY} if operation == "PutItem" else {"Key": KEY}
    fault = api.refused(operation, TableName="abc", **key)
    assert (fault.code, fault.message) == ("ResourceNotFoundException", "Requested resource not found")


def test_item_collection_metrics_tell_of_tables_with_local_indexes(table: Api) -> None:
    answer = table("PutItem", TableName="abc", Item=ITEM, ReturnItemCollectionMetrics="SIZE")
    assert answer["ItemCollectionMetrics"] == {
        "ItemCollectionKey": {"p": {"S": "a"}},
        "SizeEstimateRangeGB": [0.0, 1.0],
    }


@pytest.mark.parametrize(
    ("request_", "actual"),
    [
        ({"UpdateExpression": "SET l = :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}, "N"),
        ({"UpdateExpression": "ADD #l :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}, "N"),
        ({"UpdateExpression": "DELETE l :n", "ExpressionAttributeValues": {":n": {"SS": ["a"]}}}, "SS"),
        ({"AttributeUpdates": {"l": {"Action": "ADD", "Value": {"N": "1"}}}}, "N"),
        ({"AttributeUpdates": {"l": {"Action": "PUT", "Value": {"BOOL": True}}}}, "BOOL"),
    ],
)
def test_a_value_that_no_index_key_can_have_is_told_without_a_look_at_the_item(
    table: Api, request_: dict[str, Any], actual: str
) -> None:
    """Also where the item's own value does not fit the update, and where a condition would not hold."""
    table("PutItem", TableName="abc", Item={**KEY, "l": {"S": "x"}})
    names = {"ExpressionAttributeNames": {"#l": "l"}} if "#l" in str(request_) else {}
    told = (
        "One or more parameter values were invalid: "
        f"Type mismatch for Index Key l Expected: S Actual: {actual} IndexName: local"
    )
    assert table.refused("UpdateItem", TableName="abc", Key=KEY, **request_, **names).message == told
    if "UpdateExpression" in request_:
        unmet = {"ConditionExpression": "attribute_not_exists(p)"}
        assert table.refused("UpdateItem", TableName="abc", Key=KEY, **request_, **names, **unmet).message == told
        update = {"TableName": "abc", "Key": KEY, **request_, **names}
        fault = table.refused("TransactWriteItems", TransactItems=[{"Update": update}])
        assert fault.body["CancellationReasons"] == [{"Code": "ValidationError", "Message": told}]
    assert get(table)["l"] == {"S": "x"}
