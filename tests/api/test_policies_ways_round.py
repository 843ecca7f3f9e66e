"""Ways round a policy on attributes or items: each names what is forbidden somewhere else."""

from typing import Any

import pytest
from tests.access.kit import policy
from tests.api.streams import create
from tests.api.test_gate import CREATE
from tests.api.with_policies import ANNS, BOBS, TABLE, allowing, ann, ask, may, only, requests
from tests.in_process import Api, Fault

AT = {"TableName": "abc"}
V = {":v": {"S": "x"}}
ONE: list[Any] = [
    ("PutItem", {**AT, "Item": ANNS, "Expected": {"b": {"Exists": False}}}, "pb"),
    ("DeleteItem", {**AT, "Key": ANNS, "Expected": {"b": {"ComparisonOperator": "NULL"}}}, "pb"),
    ("UpdateItem", {**AT, "Key": ANNS, "AttributeUpdates": {}, "Expected": {"b": {"Exists": False}}}, "pb"),
    ("UpdateItem", {**AT, "Key": ANNS, "UpdateExpression": "SET a.b = :v", "ExpressionAttributeValues": V}, "pa"),
    ("UpdateItem", {**AT, "Key": ANNS, "UpdateExpression": "SET a = list_append(c, b)"}, "pabc"),
    (
        "UpdateItem",
        {**AT, "Key": ANNS, "UpdateExpression": "ADD a :v", "ExpressionAttributeValues": {":v": {"N": "1"}}},
        "pa",
    ),
    (
        "UpdateItem",
        {**AT, "Key": ANNS, "UpdateExpression": "DELETE a :v", "ExpressionAttributeValues": {":v": {"SS": ["1"]}}},
        "pa",
    ),
    (
        "UpdateItem",
        {
            **AT,
            "Key": ANNS,
            "UpdateExpression": "SET #a = :v",
            "ExpressionAttributeNames": {"#a": "a"},
            "ExpressionAttributeValues": V,
        },
        "pa",
    ),
    (
        "DeleteItem",
        {**AT, "Key": ANNS, "ConditionExpression": "size(b) > :v", "ExpressionAttributeValues": {":v": {"N": "1"}}},
        "pb",
    ),
    ("DeleteItem", {**AT, "Key": ANNS, "ConditionExpression": "contains(b, a)"}, "pab"),
    (
        "DeleteItem",
        {**AT, "Key": ANNS, "ConditionExpression": "NOT (b.c[1] BETWEEN a AND c OR d IN (e, f))"},
        "pbacdef",
    ),
    (
        "DeleteItem",
        {
            **AT,
            "Key": ANNS,
            "ConditionExpression": "attribute_type(b, :v)",
            "ExpressionAttributeValues": {":v": {"S": "S"}},
        },
        "pb",
    ),
    (
        "Query",
        {
            **AT,
            "KeyConditions": {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "ann"}]}},
            "QueryFilter": {"b": {"ComparisonOperator": "NULL"}},
        },
        "pb",
    ),
    (
        "Query",
        {
            **AT,
            "KeyConditions": {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "ann"}]}},
            "AttributesToGet": ["b"],
        },
        "pb",
    ),
    ("Scan", {**AT, "ScanFilter": {"b": {"ComparisonOperator": "NULL"}}}, "b"),
    ("Scan", {**AT, "AttributesToGet": ["b"]}, "b"),
    ("Scan", {**AT, "ProjectionExpression": "b[0].c"}, "b"),
    ("BatchGetItem", {"RequestItems": {"abc": {"Keys": [ANNS], "AttributesToGet": ["b"]}}}, "pb"),
    (
        "BatchGetItem",
        {
            "RequestItems": {
                "abc": {"Keys": [ANNS], "ProjectionExpression": "#b", "ExpressionAttributeNames": {"#b": "b"}}
            }
        },
        "pb",
    ),
    ("BatchWriteItem", {"RequestItems": {"abc": [{"PutRequest": {"Item": {**ANNS, "b": {"S": "x"}}}}]}}, "pb"),
    ("TransactGetItems", {"TransactItems": [{"Get": {**AT, "Key": ANNS, "ProjectionExpression": "b.c"}}]}, "pb"),
    (
        "TransactWriteItems",
        {
            "TransactItems": [
                {"Put": {**AT, "Item": {**ANNS, "a": {"S": "x"}}, "ConditionExpression": "attribute_not_exists(b)"}}
            ]
        },
        "pab",
    ),
    (
        "TransactWriteItems",
        {"TransactItems": [{"Update": {**AT, "Key": ANNS, "UpdateExpression": "SET a = b"}}]},
        "pab",
    ),
    (
        "TransactWriteItems",
        {"TransactItems": [{"Delete": {**AT, "Key": ANNS, "ConditionExpression": "attribute_not_exists(b)"}}]},
        "pb",
    ),
    (
        "TransactWriteItems",
        {"TransactItems": [{"ConditionCheck": {**AT, "Key": ANNS, "ConditionExpression": "attribute_not_exists(b)"}}]},
        "pb",
    ),
]
for text, names in [
    ("SELECT b.c FROM abc WHERE p = 'ann'", "pb"),
    ("SELECT p FROM abc WHERE p = 'ann' AND size(b) > 1", "pb"),
    ("SELECT p FROM abc WHERE p = 'ann' AND contains(b, 'x')", "pb"),
    ("SELECT p FROM abc WHERE p = 'ann' AND begins_with(b, 'x')", "pb"),
    ("SELECT p FROM abc WHERE p = 'ann' AND b IS MISSING", "pb"),
    ("SELECT p FROM abc WHERE p = 'ann' AND NOT (b.c[0] IN ['x'] OR attribute_type(a, 'S'))", "pab"),
    ("SELECT p FROM abc WHERE p = 'ann' AND 1 < b", "pb"),
    ("UPDATE abc REMOVE b WHERE p = 'ann'", "pb"),
    ("UPDATE abc SET a = list_append(b, [1]) WHERE p = 'ann'", "pab"),
    ("UPDATE abc SET a[0].z = 1 WHERE p = 'ann'", "pa"),
    ("DELETE FROM abc WHERE p = 'ann' AND attribute_exists(b)", "pb"),
]:
    ONE.append(("ExecuteStatement", {"Statement": text}, names))
    if text.startswith("SELECT p FROM abc WHERE p = 'ann' AND size"):
        ONE.append(("ExecuteTransaction", {"TransactStatements": [{"Statement": f"EXISTS({text})"}]}, names))


@pytest.fixture
def abc(api: Api) -> Api:
    api("CreateTable", TableName="abc", **CREATE)
    return api


@pytest.mark.parametrize(("operation", "body", "names"), ONE)
def test_attributes_are_known_wherever_they_stand(abc: Api, operation: str, body: dict[str, Any], names: str) -> None:
    assert may(abc, only(*names), operation, **body)
    for missing in names:
        assert not may(abc, only(*names.replace(missing, "")), operation, **body), missing


UNMET = {"ConditionExpression": "attribute_not_exists(p)"}
SHOWN = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("PutItem", {**AT, "Item": ANNS, **UNMET}),
        ("UpdateItem", {**AT, "Key": ANNS, **UNMET}),
        ("DeleteItem", {**AT, "Key": ANNS, **UNMET}),
        ("ExecuteStatement", {"Statement": "UPDATE abc SET a = 1 WHERE p = 'ann' AND a = 2"}),
        ("ExecuteStatement", {"Statement": "DELETE FROM abc WHERE p = 'ann' AND a = 2"}),
    ],
)
def test_the_item_of_an_unmet_condition_is_a_returned_value(abc: Api, operation: str, body: dict[str, Any]) -> None:
    """Who may not have ALL_OLD would else have it by a condition that does not hold."""
    who = allowing(StringEqualsIfExists={"dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"]})
    assert may(abc, who, operation, **body)
    assert not may(abc, who, operation, **body, **SHOWN)


@pytest.mark.parametrize(
    ("operation", "list", "part"),
    [
        ("TransactWriteItems", "TransactItems", {"Put": {**AT, "Item": ANNS, **UNMET}}),
        ("TransactWriteItems", "TransactItems", {"Delete": {**AT, "Key": ANNS, **UNMET}}),
        ("TransactWriteItems", "TransactItems", {"ConditionCheck": {**AT, "Key": ANNS, **UNMET}}),
        ("ExecuteTransaction", "TransactStatements", {"Statement": "INSERT INTO abc VALUE {'p': 'ann'}"}),
        (
            "ExecuteTransaction",
            "TransactStatements",
            {"Statement": "EXISTS(SELECT * FROM abc WHERE p = 'ann' AND a = 2)"},
        ),
    ],
)
def test_the_same_in_transactions(abc: Api, operation: str, list: str, part: dict[str, Any]) -> None:
    who = allowing(StringEqualsIfExists={"dynamodb:ReturnValues": ["NONE"]})
    assert may(abc, who, operation, **{list: [part]})
    shown = {**part, **SHOWN} if "Statement" in part else {kind: {**body, **SHOWN} for kind, body in part.items()}
    assert not may(abc, who, operation, **{list: [shown]})


def test_many_values_of_several_key_attributes_are_no_more_than_they_are(api: Api) -> None:
    """Each of 50 values of each of four attributes makes 6,250,000 keys."""
    names = ["h1", "h2", "h3", "h4"]
    index = {
        "IndexName": "idx",
        "KeySchema": [{"AttributeName": name, "KeyType": "HASH"} for name in names],
        "Projection": {"ProjectionType": "ALL"},
    }
    definitions = [{"AttributeName": name, "AttributeType": "S"} for name in ("p", *names)]
    api("CreateTable", TableName="abc", **{**CREATE, "AttributeDefinitions": definitions},
        GlobalSecondaryIndexes=[index])  # fmt: skip
    values = [f"v{number}" for number in range(50)]
    where = " AND ".join(f"{name} IN ({','.join('?' * len(values))})" for name in names)
    statement = {
        "Statement": f'SELECT * FROM "abc"."idx" WHERE {where}',
        "Parameters": [{"S": value} for value in values * len(names)],
    }
    for key in ("First", "Second", "Third", "Fourth"):
        condition = {"ForAllValues:StringEquals": {f"dynamodb:{key}PartitionKeyValues": values}}
        assert may(api, allowing(**condition), "ExecuteStatement", **statement)
        condition = {"ForAllValues:StringEquals": {f"dynamodb:{key}PartitionKeyValues": values[1:]}}
        assert not may(api, allowing(**condition), "ExecuteStatement", **statement)


def test_a_page_begins_in_the_partition_that_was_asked_for(abc: Api) -> None:
    operation, body = requests(ANNS)["query"]
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["ann"]}}
    with pytest.raises(Fault, match="ValidationException"):
        ask(abc, allowing(**own), operation, **body, ExclusiveStartKey=BOBS)


@pytest.mark.parametrize("operation", ["GetResourcePolicy", "DeleteResourcePolicy"])
def test_what_is_allowed_of_a_table_is_not_of_its_stream(api: Api, operation: str) -> None:
    """Once the one is decided, the other is not taken for it."""
    stream = create(api, "abc")
    table = stream.partition("/stream/")[0]
    who = ann(policy({"Resource": table}))
    for _ in range(2):
        assert may(api, who, operation, ResourceArn=table)
        assert not may(api, who, operation, ResourceArn=stream)


def test_lists_of_streams_are_not_taken_for_each_other(api: Api) -> None:
    create(api, "abc")
    who = ann(policy({"Resource": f"{TABLE}/stream/*"}))
    assert may(api, who, "ListStreams", TableName="abc")
    assert not may(api, who, "ListStreams")
    assert not may(api, who, "ListStreams", TableName="other")


@pytest.mark.parametrize(
    ("operation", "body"),
    [("GetItem", {**AT, "Key": ANNS}), ("ListStreams", {}), ("CreateTable", {**AT, **CREATE})],
)
def test_patterns_are_not_held_against_a_name_without_end(abc: Api, operation: str, body: dict[str, Any]) -> None:
    """An identity has a hundred policies, whose patterns would keep everybody waiting for a second."""
    some = [policy({"Resource": [f"arn:aws:a:::*?x{many}" for many in range(250)]})] * 100
    with pytest.raises(Fault, match="ValidationException"):
        ask(abc, ann(*some), operation, **body)
    plain = [policy({"Resource": [f"arn:aws:a:::*x{many}" for many in range(250)]})] * 100
    assert not may(abc, ann(*plain), operation, **body)
