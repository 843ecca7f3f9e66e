"""Batches and transactions: the main ways, limits, and each refusal with its text."""

from typing import Any

import pytest
from tests.in_process import Api

INVALID = "One or more parameter values were invalid: "
KIB = 1024
TWICE = "Transaction request cannot include multiple operations on one item"


def key(text: str) -> dict[str, Any]:
    return {"p": {"S": text}}


def put(text: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": "abc", "Item": {**key(text), **more}}}


def delete(text: str) -> dict[str, Any]:
    return {"Delete": {"TableName": "abc", "Key": key(text)}}


def check(text: str, condition: str) -> dict[str, Any]:
    return {"ConditionCheck": {"TableName": "abc", "Key": key(text), "ConditionExpression": condition}}


def add(text: str, amount: str = "1") -> dict[str, Any]:
    return {
        "Update": {
            "TableName": "abc",
            "Key": key(text),
            "UpdateExpression": "ADD n :n",
            "ExpressionAttributeValues": {":n": {"N": amount}},
        }
    }


@pytest.fixture
def tables(api: Api) -> Api:
    """With tables abc and abd, of key p (S)."""
    for name in ("abc", "abd"):
        api(
            "CreateTable",
            TableName=name,
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    return api


def stored(api: Api, table: str = "abc") -> list[str]:
    return sorted(item["p"]["S"] for item in api("Scan", TableName=table)["Items"])


def test_a_batch_writes_to_several_tables(tables: Api) -> None:
    tables("PutItem", TableName="abc", Item=key("old"))
    answer = tables(
        "BatchWriteItem",
        RequestItems={
            "abc": [{"PutRequest": {"Item": key("a")}}, {"DeleteRequest": {"Key": key("old")}}],
            "abd": [{"PutRequest": {"Item": key("b")}}, {"DeleteRequest": {"Key": key("never")}}],
        },
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer == {
        "UnprocessedItems": {},
        "ConsumedCapacity": [
            {"TableName": "abc", "CapacityUnits": 2.0},
            {"TableName": "abd", "CapacityUnits": 2.0},
        ],
    }
    assert (stored(tables), stored(tables, "abd")) == (["a"], ["b"])


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        (
            [{"PutRequest": {"Item": key("a")}}, {"DeleteRequest": {"Key": key("a")}}],
            "Provided list of item keys contains duplicates",
        ),
        (
            [{}],
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
            "datatypes",
        ),
        (
            [{"PutRequest": {"Item": key("a")}, "DeleteRequest": {"Key": key("a")}}],
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
            "datatypes",
        ),
        (
            [{"PutRequest": {"Item": {**key("a"), "v": {"S": "x" * 400 * KIB}}}}],
            "Item size has exceeded the maximum allowed size",
        ),
        ([{"PutRequest": {"Item": {"v": {"S": "x"}}}}], "The provided key element does not match the schema"),
        ([{"DeleteRequest": {"Key": {"v": {"S": "x"}}}}], "The provided key element does not match the schema"),
    ],
)
def test_refusals_of_batch_writes(tables: Api, requests: list[dict[str, Any]], message: str) -> None:
    """Nothing of such a batch is written."""
    good = {"PutRequest": {"Item": key("good")}}
    fault = tables.refused("BatchWriteItem", RequestItems={"abc": [good, *requests]})
    assert (fault.code, fault.message) == ("ValidationException", message)
    assert stored(tables) == []


def test_a_batch_has_at_most_25_writes_over_all_tables(tables: Api) -> None:
    thirteen = [{"PutRequest": {"Item": key(str(number))}} for number in range(13)]
    fault = tables.refused("BatchWriteItem", RequestItems={"abc": thirteen, "abd": thirteen})
    assert fault.message == "Too many items requested for the BatchWriteItem call"
    tables("BatchWriteItem", RequestItems={"abc": thirteen, "abd": thirteen[:12]})


def test_a_batch_to_a_table_that_is_not_there_writes_nothing(tables: Api) -> None:
    request = [{"PutRequest": {"Item": key("a")}}]
    fault = tables.refused("BatchWriteItem", RequestItems={"abc": request, "none": request})
    assert (fault.code, fault.message) == ("ResourceNotFoundException", "Requested resource not found")
    assert stored(tables) == []


def test_a_batch_reads_what_is_there(tables: Api) -> None:
    for text in "ab":
        tables("PutItem", TableName="abc", Item={**key(text), "v": {"N": "1"}})
    answer = tables(
        "BatchGetItem",
        RequestItems={
            "abc": {"Keys": [key("a"), key("x"), key("b")], "ProjectionExpression": "p", "ConsistentRead": True},
            "abd": {"Keys": [key("a")]},
        },
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer == {
        "Responses": {"abc": [key("a"), key("b")], "abd": []},
        "UnprocessedKeys": {},
        "ConsumedCapacity": [
            {"TableName": "abc", "CapacityUnits": 3.0},
            {"TableName": "abd", "CapacityUnits": 0.5},
        ],
    }


def test_a_batch_of_more_than_16_megabytes_gives_the_rest_back(tables: Api) -> None:
    big = {"S": "x" * (399 * KIB)}
    keys = [key(f"{number:02d}") for number in range(45)]
    for each in keys:
        tables("PutItem", TableName="abc", Item={**each, "v": big})
    tables("PutItem", TableName="abd", Item=key("a"))
    wanted = {"abc": {"Keys": keys, "ConsistentRead": True}, "abd": {"Keys": [key("a")]}}
    found = 0
    rounds = 0
    while wanted:
        answer = tables("BatchGetItem", RequestItems=wanted)
        found += sum(map(len, answer["Responses"].values()))
        wanted = answer["UnprocessedKeys"]
        assert all(each["ConsistentRead"] for name, each in wanted.items() if name == "abc")
        rounds += 1
    assert (found, rounds) == (46, 2)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([key("a"), key("b"), key("a")], "Provided list of item keys contains duplicates"),
        ([{"q": {"S": "a"}}], "The provided key element does not match the schema"),
    ],
)
def test_refusals_of_batch_reads(tables: Api, keys: list[dict[str, Any]], message: str) -> None:
    fault = tables.refused("BatchGetItem", RequestItems={"abc": {"Keys": keys}})
    assert (fault.code, fault.message) == ("ValidationException", message)


def test_a_batch_reads_at_most_100_keys_over_all_tables(tables: Api) -> None:
    keys = [key(str(number)) for number in range(51)]
    fault = tables.refused("BatchGetItem", RequestItems={"abc": {"Keys": keys}, "abd": {"Keys": keys}})
    assert fault.message == "Too many items requested for the BatchGetItem call"


def test_a_transaction_does_all_kinds_of_actions(tables: Api) -> None:
    for text in ("check", "delete", "update"):
        tables("PutItem", TableName="abc", Item={**key(text), "n": {"N": "1"}})
    actions = [check("check", "attribute_exists(n)"), put("put"), delete("delete"), add("update"), add("new")]
    assert tables("TransactWriteItems", TransactItems=actions) == {}
    assert stored(tables) == ["check", "new", "put", "update"]
    gets = [{"Get": {"TableName": "abc", "Key": key(text)}} for text in ("update", "delete")]
    gets[0]["Get"]["ProjectionExpression"] = "n"
    answer = tables("TransactGetItems", TransactItems=gets, ReturnConsumedCapacity="TOTAL")
    assert answer == {
        "Responses": [{"Item": {"n": {"N": "2"}}}, {}],
        "ConsumedCapacity": [{"TableName": "abc", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0}],
    }


def test_reasons_of_a_cancelled_transaction_are_in_order(tables: Api) -> None:
    tables("PutItem", TableName="abc", Item={**key("a"), "n": {"S": "no number"}})
    shown = check("a", "attribute_not_exists(p)")
    shown["ConditionCheck"]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    actions = [put("x"), check("y", "attribute_exists(p)"), shown, delete("z"), add("b")]
    fault = tables.refused("TransactWriteItems", TransactItems=actions)
    failed = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
    assert fault.body == {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed, ConditionalCheckFailed, None, None]",
        "CancellationReasons": [
            {"Code": "None"},
            failed,
            {**failed, "Item": {**key("a"), "n": {"S": "no number"}}},
            {"Code": "None"},
            {"Code": "None"},
        ],
    }
    fault = tables.refused("TransactWriteItems", TransactItems=[put("x"), add("a")])
    assert fault.body["CancellationReasons"][1] == {
        "Code": "ValidationError",
        "Message": "An operand in the update expression has an incorrect data type",
    }
    assert stored(tables) == ["a"]


def test_a_request_with_the_same_token_is_done_once(tables: Api) -> None:
    request: dict[str, Any] = {"ClientRequestToken": "token", "ReturnConsumedCapacity": "TOTAL"}
    done = tables("TransactWriteItems", TransactItems=[add("a", "1.0"), put("b")], **request)
    assert done["ConsumedCapacity"] == [{"TableName": "abc", "CapacityUnits": 4.0, "WriteCapacityUnits": 4.0}]
    # The same request, though the number is written otherwise: it says what it would cost to read.
    again = tables("TransactWriteItems", TransactItems=[add("a", "1"), put("b")], **request)
    assert again["ConsumedCapacity"] == [{"TableName": "abc", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0}]
    fault = tables.refused("TransactWriteItems", TransactItems=[add("a", "2"), put("b")], **request)
    assert fault.code == "IdempotentParameterMismatchException"
    assert tables("GetItem", TableName="abc", Key=key("a"))["Item"]["n"] == {"N": "1"}
    tables.clock.advance(600)
    tables("TransactWriteItems", TransactItems=[add("a", "2"), put("b")], **request)
    assert tables("GetItem", TableName="abc", Key=key("a"))["Item"]["n"] == {"N": "3"}


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([put("a"), delete("a")], TWICE),
        ([put("a"), check("a", "attribute_exists(p)")], TWICE),
        ([{}], "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request"),
        ([{**put("a"), **delete("a")}], "TransactItems can only contain one of Check, Put, Update or Delete"),
        ([put("a", v={"S": "x" * 400 * KIB})], "Item size has exceeded the maximum allowed size"),
    ],
)
def test_refusals_of_whole_transactions(tables: Api, actions: list[dict[str, Any]], message: str) -> None:
    fault = tables.refused("TransactWriteItems", TransactItems=[put("good"), *actions])
    assert (fault.code, fault.message) == ("ValidationException", message)
    assert stored(tables) == []


def test_an_item_that_does_not_fit_cancels_the_transaction(tables: Api) -> None:
    bad = {"Put": {"TableName": "abc", "Item": {"q": {"S": "a"}}}}
    fault = tables.refused("TransactWriteItems", TransactItems=[put("good"), bad])
    assert fault.code == "TransactionCanceledException"
    assert fault.body["CancellationReasons"] == [
        {"Code": "None"},
        {"Code": "ValidationError", "Message": INVALID + "Missing the key p in the item"},
    ]


@pytest.mark.stands("4 MB are written in one go where there is no lane to take them")
def test_a_transaction_holds_at_most_4_megabytes(tables: Api) -> None:
    big = [put(str(number), v={"S": "x" * 399 * KIB}) for number in range(11)]
    fault = tables.refused("TransactWriteItems", TransactItems=big)
    assert fault.code == "ValidationException"
    assert fault.message.startswith("Transaction payload size cannot exceed 4MB.")
    tables("TransactWriteItems", TransactItems=big[:10])
    tables("PutItem", TableName="abc", Item={**key("10"), "v": {"S": "x" * 399 * KIB}})
    gets = [{"Get": {"TableName": "abc", "Key": key(str(number))}} for number in range(11)]
    assert tables.refused("TransactGetItems", TransactItems=gets).code == "TransactionCanceledException"
    assert len(tables("TransactGetItems", TransactItems=gets[:10])["Responses"]) == 10


def test_an_item_is_read_once_a_transaction(tables: Api) -> None:
    get = {"Get": {"TableName": "abc", "Key": key("a")}}
    fault = tables.refused("TransactGetItems", TransactItems=[get, get])
    assert (fault.code, fault.message) == ("ValidationException", TWICE)
