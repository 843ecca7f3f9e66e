"""Good requests of many operations with one thing changed, anywhere: the fast way must agree with the precise one."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from statordb.api.shape_overrides import DYNAMODB
from statordb.model.errors import ClientError
from statordb.model.service import load_service
from statordb.shapes.json import Shapes

SHAPES = Shapes(DYNAMODB, load_service())
KEY = {"p": {"S": "a"}}
SCHEMA = [{"AttributeName": "p", "KeyType": "HASH"}]
DEFINITIONS = [{"AttributeName": "p", "AttributeType": "S"}]
GOOD: list[tuple[str, dict[str, Any]]] = [
    (
        "GetItem",
        {
            "TableName": "cart",
            "Key": {"p": {"S": "a"}, "q": {"N": "1"}},
            "ConsistentRead": True,
            "AttributesToGet": ["a"],
            "ExpressionAttributeNames": {"#a": "b"},
        },
    ),
    (
        "PutItem",
        {
            "TableName": "cart",
            "Item": {"l": {"L": [{"S": "x"}, {"M": {"a": {"B": "YQ=="}}}]}, "s": {"SS": ["a"]}, "b": {"BS": ["YQ=="]}},
            "ReturnValues": "NONE",
            "Expected": {"a": {"Exists": False, "Value": {"S": "x"}, "ComparisonOperator": "EQ"}},
        },
    ),
    (
        "CreateTable",
        {
            "TableName": "cart",
            "KeySchema": SCHEMA,
            "AttributeDefinitions": DEFINITIONS,
            "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "abc",
                    "KeySchema": SCHEMA,
                    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]},
                }
            ],
            "Tags": [{"Key": "a", "Value": ""}],
        },
    ),
    ("BatchWriteItem", {"RequestItems": {"cart": [{"PutRequest": {"Item": KEY}}, {"DeleteRequest": {"Key": KEY}}]}}),
    ("BatchGetItem", {"RequestItems": {"cart": {"Keys": [KEY], "ConsistentRead": False}}}),
    ("TransactWriteItems", {"TransactItems": [{"Put": {"Item": KEY, "TableName": "cart"}}], "ClientRequestToken": "x"}),
    ("Query", {"TableName": "cart", "Limit": 1, "KeyConditions": {"p": {"ComparisonOperator": "EQ"}}}),
    ("ExportTableToPointInTime", {"TableArn": "arn:x", "S3Bucket": "abc-d", "ExportTime": 1.5}),
]
ODD: list[Any] = [None, True, 0, -1, 1.5, 2**40, 2**70, "", "a", "x" * 256, "x" * 70_000, "YR==", "é", "arn:x", "EQ"]
ODDER: list[Any] = [[], {}, [None], ["a"], [[]], [{}], {"S": "a"}, {"a": None}, {"a": {"S": "a"}}]
ODDEST: list[Any] = [{"X" * 70_000: {"S": "a"}}, {"S": "a", "N": "1"}, {"B": "YQ"}]
CHANGES = [*ODD, *ODDER, *ODDEST]


def paths(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = document.items() if type(document) is dict else enumerate(document) if type(document) is list else ()
    for key, value in inner:
        yield from paths(value, (*path, key))


def changed(document: Any, path: tuple[Any, ...]) -> Iterator[Any]:
    """The document with the value at a path replaced by each odd one, and without it."""
    if not path:
        yield from CHANGES
        return
    for value in CHANGES:
        mutant = copy.deepcopy(document)
        place(mutant, path)[path[-1]] = value
        yield mutant
    mutant = copy.deepcopy(document)
    del place(mutant, path)[path[-1]]
    yield mutant


def place(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        document = document[key]
    return document


def outcome(check: Any, operation: str, document: Any) -> Any:
    try:
        return check(operation, document)
    except ClientError as error:
        return error.type, error.message


@pytest.mark.parametrize(("operation", "request_"), GOOD, ids=[operation for operation, _ in GOOD])
def test_one_change_anywhere(operation: str, request_: dict[str, Any]) -> None:
    """The compiled recogniser and the slow, exact way must agree on every request that is nearly right."""
    assert SHAPES.check(operation, request_) is request_
    for path in paths(request_):
        for mutant in changed(request_, path):
            fast = outcome(SHAPES.check, operation, mutant)
            precise = outcome(SHAPES.check_precisely, operation, mutant)
            assert fast == precise
            assert (fast is mutant) == (precise is mutant)


@pytest.mark.parametrize(("operation", "request_"), GOOD, ids=[operation for operation, _ in GOOD])
def test_good_requests_take_the_fast_way(
    operation: str, request_: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else a fast check that always says no would pass every other test.
    monkeypatch.setattr(Shapes, "check_precisely", None)
    assert SHAPES.check(operation, request_) is request_
