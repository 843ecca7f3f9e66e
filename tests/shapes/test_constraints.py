"""The texts of ValidationException for broken constraints: all of a request in one message."""

from typing import Any

import pytest

from statordb.api.shape_overrides import DYNAMODB
from statordb.model.errors import ClientError, quoted
from statordb.model.limits import QUOTED_CHARACTERS_MAX
from statordb.model.service import load_service
from statordb.shapes.constraints import VIOLATIONS_MAX
from statordb.shapes.json import Shapes

SHAPES = Shapes(DYNAMODB, load_service())
NAME = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
INVALID = "One or more parameter values were invalid: "
KEY = {"p": {"S": "a"}}


def refusal(operation: str, document: Any) -> str:
    with pytest.raises(ClientError) as caught:
        SHAPES.check(operation, document)
    assert caught.value.type == "com.amazon.coral.validate#ValidationException"
    assert caught.value.message is not None
    return caught.value.message


def one(value: str, path: str, constraint: str) -> str:
    return f"1 validation error detected: Value {value} at '{path}' failed to satisfy constraint: {constraint}"


def at_least(length: int) -> str:
    return f"Member must have length greater than or equal to {length}"


def at_most(length: int) -> str:
    return f"Member must have length less than or equal to {length}"


def test_required_members() -> None:
    """All that are missing are told at once, and how many they are."""
    assert refusal("GetItem", {"Key": KEY}) == one("null", "tableName", "Member must not be null")
    assert refusal("GetItem", {}) == (
        "2 validation errors detected: "
        "Value null at 'tableName' failed to satisfy constraint: Member must not be null; "
        "Value null at 'key' failed to satisfy constraint: Member must not be null"
    )
    assert refusal("BatchWriteItem", {}) == one("null", "requestItems", "Member must not be null")


def test_table_names_of_items() -> None:
    assert refusal("GetItem", {"TableName": "a;", "Key": KEY}) == (
        f"2 validation errors detected: Value 'a;' at 'tableName' failed to satisfy constraint: {NAME}; "
        f"Value 'a;' at 'tableName' failed to satisfy constraint: {at_least(3)}"
    )
    long = "x" * 256
    assert refusal("GetItem", {"TableName": long, "Key": KEY}) == one(f"'{long}'", "tableName", at_most(255))
    arn = "arn:" + "x" * 1021
    assert refusal("GetItem", {"TableName": arn, "Key": KEY}) == one(f"'{quoted(arn)}'", "tableName", at_most(1024))
    newline = "cart\n"
    assert refusal("GetItem", {"TableName": newline, "Key": KEY}) == one(f"'{newline}'", "tableName", NAME)


@pytest.mark.parametrize(
    "operation",
    ["CreateTable", "DeleteTable", "DescribeTable", "DescribeTimeToLive", "UpdateTable", "UpdateTimeToLive"],
)
def test_a_table_name_that_is_missing_is_told_alone(operation: str) -> None:
    rest = {"BillingMode": "dog"}
    assert refusal(operation, rest) == "The parameter 'TableName' is required but was not present in the request"


@pytest.mark.parametrize(
    "operation", ["CreateTable", "DeleteTable", "DescribeTable", "DescribeTimeToLive", "UpdateTable"]
)
def test_table_names_of_tables_are_judged_as_the_model_says(operation: str) -> None:
    long = "x" * 256
    rest = {"KeySchema": [], "AttributeDefinitions": []} if operation == "CreateTable" else {}
    assert one("'ab'", "tableName", at_least(3)) in refusal(operation, {"TableName": "ab", **rest})
    assert f"Value '{long}' at 'tableName' failed to satisfy constraint: {at_most(255)}" in refusal(
        operation, {"TableName": long, **rest}
    )


@pytest.mark.parametrize("operation", ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"])
def test_an_empty_name_is_told_alone(operation: str) -> None:
    assert refusal(operation, {"TableName": "", "ReturnConsumedCapacity": "dog"}) == one("''", "tableName", at_least(1))


def test_table_names_of_tables_with_odd_characters() -> None:
    assert refusal("DescribeTable", {"TableName": "abc;d"}) == one("'abc;d'", "tableName", NAME)


@pytest.mark.parametrize("operation", ["TagResource", "UntagResource", "ListTagsOfResource"])
def test_resources_of_tags(operation: str) -> None:
    """The one member whose absence AWS tells in words of its own."""
    assert refusal(operation, {}) == "Invalid TableArn"


def test_tags_are_required() -> None:
    assert refusal("TagResource", {"ResourceArn": "x"}) == one("null", "tags", "Member must not be null")
    assert refusal("UntagResource", {"ResourceArn": "x"}) == one("null", "tagKeys", "Member must not be null")


def test_numbers() -> None:
    """The bound that is told is the model's, or the one that AWS is known to have beyond it."""
    smallest = "Member must have value greater than or equal to 1"
    assert refusal("Scan", {"TableName": "cart", "Limit": 0}) == one("'0'", "limit", smallest)
    assert refusal("Query", {"TableName": "cart", "Limit": 0, "Select": "dog"}) == (
        f"1 validation error detected: Value at 'Limit' failed to satisfy constraint: {smallest}"
    )
    assert refusal("ListTables", {"Limit": 101}) == one(
        "'101'", "limit", "Member must have value less than or equal to 100"
    )
    assert refusal("Scan", {"TableName": "cart", "Segment": -1}) == one(
        "'-1'", "segment", "Member must have value greater than or equal to 0"
    )


@pytest.mark.parametrize(
    ("operation", "member", "values"),
    [
        ("PutItem", "ReturnConsumedCapacity", "INDEXES, TOTAL, NONE"),
        ("PutItem", "ReturnItemCollectionMetrics", "SIZE, NONE"),
        ("PutItem", "ConditionalOperator", "OR, AND"),
        ("Query", "Select", "SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES"),
    ],
)
def test_enums(operation: str, member: str, values: str) -> None:
    """The values come in AWS's order, which is not the model's."""
    document = {"TableName": "cart", member: "dog"} | ({"Item": KEY} if operation == "PutItem" else {})
    path = member[0].lower() + member[1:]
    assert refusal(operation, document) == one("'dog'", path, f"Member must satisfy enum value set: [{values}]")


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem", "DeleteItem"])
def test_values_to_return_are_told_alone(operation: str) -> None:
    """In the words of the newest layer, which misspells one of the values."""
    key = {"Item": KEY} if operation == "PutItem" else {"Key": KEY}
    assert refusal(operation, {"TableName": "cart", **key, "ReturnValues": "dog", "ReturnConsumedCapacity": "cat"}) == (
        "1 validation error detected: Failed to satisfy constraint: "
        "Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
    )


def test_enums_inside() -> None:
    """Deep within maps the path says `member`, and which key."""
    expected = {"a": {"ComparisonOperator": "dog"}}
    operators = "IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS"
    assert refusal("PutItem", {"TableName": "cart", "Item": KEY, "Expected": expected}) == one(
        "'dog'", "expected.a.member.comparisonOperator", f"Member must satisfy enum value set: [{operators}]"
    )


def test_members_of_lists() -> None:
    """They are counted from 1, and their faults come in the order of the request."""
    assert refusal(
        "CreateTable",
        {
            "TableName": "cart",
            "AttributeDefinitions": [{"AttributeType": "S"}, {"AttributeName": "a", "AttributeType": "X"}],
            "KeySchema": [{"AttributeName": "x" * 256, "KeyType": "HASH"}],
        },
    ) == (
        "3 validation errors detected: "
        "Value null at 'attributeDefinitions.1.member.attributeName' failed to satisfy constraint: "
        "Member must not be null; "
        "Value 'X' at 'attributeDefinitions.2.member.attributeType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [B, N, S]; "
        f"Value '{'x' * 256}' at 'keySchema.1.member.attributeName' failed to satisfy constraint: {at_most(255)}"
    )


def test_what_create_table_requires() -> None:
    assert refusal("CreateTable", {"TableName": "cart"}) == (
        "2 validation errors detected: "
        "Value null at 'attributeDefinitions' failed to satisfy constraint: Member must not be null; "
        "Value null at 'keySchema' failed to satisfy constraint: Member must not be null"
    )


def test_a_printed_list_of_structures() -> None:
    schema = [{"AttributeName": name, "KeyType": "HASH"} for name in "abc"]
    assert refusal("CreateTable", {"TableName": "cart", "AttributeDefinitions": [], "KeySchema": schema}) == one(
        "'[KeySchemaElement(attributeName=a, keyType=HASH), KeySchemaElement(attributeName=b, keyType=HASH), "
        "KeySchemaElement(attributeName=c, keyType=HASH)]'",
        "keySchema",
        at_most(2),
    )
    assert refusal("CreateTable", {"TableName": "cart", "AttributeDefinitions": [], "KeySchema": []}) == one(
        "'[]'", "keySchema", at_least(1)
    )


def test_global_indexes_may_have_many_key_attributes() -> None:
    schema = [{"AttributeName": name, "KeyType": "HASH"} for name in "abc"]
    create = {"IndexName": "index", "KeySchema": schema, "Projection": {}}
    request = {"TableName": "cart", "GlobalSecondaryIndexUpdates": [{"Create": create}]}
    assert SHAPES.check("UpdateTable", request) is request


def test_keys_of_maps() -> None:
    """The whole map is shown, in the form that AWS's own objects print themselves in."""
    constraints = f"[{at_most(255)}, {at_least(3)}, {NAME}]"
    assert refusal("BatchGetItem", {"RequestItems": {"a;": {"Keys": []}}, "ReturnConsumedCapacity": "dog"}) == (
        "3 validation errors detected: Value 'dog' at 'returnConsumedCapacity' failed to satisfy constraint: "
        "Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; "
        "Value '{a;=KeysAndAttributes(keys=[], attributesToGet=null, consistentRead=null, projectionExpression=null, "
        f"expressionAttributeNames=null)}}' at 'requestItems' failed to satisfy constraint: "
        f"Map keys must satisfy constraint: {constraints}; "
        f"Value '[]' at 'requestItems.a;.member.keys' failed to satisfy constraint: {at_least(1)}"
    )


def test_values_of_maps() -> None:
    """A value's length is told as the map's fault, without the key."""
    message = refusal("BatchWriteItem", {"RequestItems": {"cart": []}})
    assert message == one(
        "'{cart=[]}'", "requestItems", f"Map value must satisfy constraint: [{at_most(25)}, {at_least(1)}]"
    )
    many = [{"DeleteRequest": {"Key": KEY}}] * 26
    message = refusal("BatchWriteItem", {"RequestItems": {"cart": many}})
    assert message.startswith(
        "1 validation error detected: Value '{cart=[WriteRequest(putRequest=null, "
        "deleteRequest=DeleteRequest(key={p=com.amazonaws.dynamodb.v20120810.AttributeValue@"
    )


def test_requests_of_a_batch() -> None:
    assert refusal("BatchWriteItem", {"RequestItems": {"cart": [{"PutRequest": {}}]}}) == one(
        "null", "requestItems.cart.member.1.member.putRequest.item", "Member must not be null"
    )


def test_names_too_long() -> None:
    name = "x" * 65_536
    assert refusal("GetItem", {"TableName": "cart", "Key": KEY, "AttributesToGet": [name]}).endswith(
        f"' at 'attributesToGet' failed to satisfy constraint: Member must satisfy constraint: [{at_most(65_535)}]"
    )
    assert refusal("PutItem", {"TableName": "cart", "Item": {name: {"S": "x"}}}).endswith(
        f"' at 'item' failed to satisfy constraint: Map keys must satisfy constraint: [{at_most(65_535)}]"
    )
    assert refusal("GetItem", {"TableName": "cart", "Key": KEY, "ExpressionAttributeNames": {"#a": name}}).endswith(
        "' at 'expressionAttributeNames' failed to satisfy constraint: "
        f"Map value must satisfy constraint: [{at_most(65_535)}]"
    )


def test_no_more_than_ten_faults_are_told() -> None:
    schema = [{"KeyType": "dog"}] * 20
    document = {"TableName": "cart", "AttributeDefinitions": [], "KeySchema": schema}
    message = refusal("CreateTable", document)
    assert message.startswith("10 validation errors detected: ")
    assert message.count(" failed to satisfy constraint: ") == VIOLATIONS_MAX


def test_a_printed_value_has_a_maximal_length() -> None:
    # Ten faults may each print a whole request; the answer must not be many times as large as what was asked.
    message = refusal("GetItem", {"TableName": "x" * 1_000_000, "Key": KEY})
    assert QUOTED_CHARACTERS_MAX <= len(message) < QUOTED_CHARACTERS_MAX + 200


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "The supplied Item contains a null AttributeValue: a is null"),
        ({"L": [None]}, "The supplied Item contains a null AttributeValue"),
        ({"M": {"x": None}}, "The supplied Item contains a null AttributeValue: x is null"),
        (
            {"SS": [None]},
            "One or more parameter values were invalid: An string set may not have a null string as a member",
        ),
        ({"NS": [None]}, "A value provided cannot be converted into a number"),
        ({"BS": [None]}, "The supplied Item contains a null AttributeValue"),
    ],
)
def test_nulls_inside_values(value: Any, text: str) -> None:
    """They are told in words of their own, but only where the model has nothing to say."""
    assert refusal("PutItem", {"TableName": "cart", "Item": {"a": value}}) == text
    assert refusal("PutItem", {"TableName": "ab", "Item": {"a": value}}) == one("'ab'", "tableName", at_least(3))


def test_nulls_inside_other_collections() -> None:
    assert refusal("GetItem", {"TableName": "cart", "Key": KEY, "ExpressionAttributeNames": {"#a": None}}) == (
        "ExpressionAttributeNames contains invalid value: null for key #a"
    )
    assert refusal("TransactWriteItems", {"TransactItems": [None]}) == one(
        "null", "transactItems.1.member", "Member must not be null"
    )
    assert refusal("BatchWriteItem", {"RequestItems": {"cart": None}}) == one(
        "null", "requestItems.cart.member", "Member must not be null"
    )
