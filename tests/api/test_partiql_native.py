"""Statements against the native operations that do the same: any writes, any conditions, and what else sees them."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.streams import create
from tests.in_process import Api, Fault

CREATE: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "p", "AttributeType": "S"},
        {"AttributeName": "c", "AttributeType": "N"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
VALUES = st.sampled_from(
    [{"N": "1"}, {"N": "2"}, {"S": "a"}, {"S": "ab"}, {"SS": ["a", "b"]}, {"L": [{"N": "1"}]}, {"NULL": True}]
)
PARTITIONS, SORTS = st.sampled_from([{"S": "x"}, {"S": "y"}]), st.sampled_from([{"N": "1"}, {"N": "2"}])
KEYS = st.fixed_dictionaries({"p": PARTITIONS, "c": SORTS})
OTHERS = st.dictionaries(st.sampled_from("abd"), VALUES)
ITEMS = st.lists(st.tuples(KEYS, OTHERS).map(lambda both: {**both[1], **both[0]}), max_size=6)
# A condition as PartiQL has it and as an expression has it; each takes one value, but for those that say no `{}`.
CONDITIONS = st.sampled_from(
    [
        ("a = {}", "a = {}"),
        ("NOT a = {}", "NOT a = {}"),
        ("a <> {}", "attribute_exists(a) AND a <> {}"),
        ("{} = b", "{} = b"),
        ("contains(a, {})", "contains(a, {})"),
        ("a IN [{}, 'ab']", "a IN ({}, :ab)"),
        ("(a = {} OR c = 2)", "(a = {} OR c = :two)"),
        ("a IS MISSING", "attribute_not_exists(a)"),
        ("b IS NOT MISSING", "attribute_exists(b)"),
        ("a IS STRING", "attribute_type(a, :S)"),
        ("size(a) > 1", "size(a) > :one"),
    ]
)
FIXED = {":ab": {"S": "ab"}, ":two": {"N": "2"}, ":one": {"N": "1"}, ":S": {"S": "S"}}


def both(statement: str, expression: str, value: dict[str, Any], where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Members of ExecuteStatement, and those of a native operation for its condition."""
    values = {name: each for name, each in FIXED.items() if name in expression}
    request: dict[str, Any] = {"Statement": where.format(statement.format("?"))}
    if "{}" in statement:
        request["Parameters"] = [value]
        values[":v"] = value
    native = {"ExpressionAttributeValues": values} if values else {}
    return request, native


class Answers:
    """A new store with the items in two tables."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self._directory = Path(tempfile.mkdtemp(dir="/dev/shm"))
        self.api = Api(self._directory)
        for name in ("one", "two"):
            self.api("CreateTable", TableName=name, **CREATE)
            for item in items:
                self.api("PutItem", TableName=name, Item=item)

    def code(self, operation: str, request: dict[str, Any]) -> tuple[str, Any]:
        """What came of a request: the error's name, or nothing, and the answer."""
        try:
            return "", self.api(operation, **request)
        except Fault as fault:
            return fault.code, None

    def close(self) -> None:
        self.api.close()
        shutil.rmtree(self._directory)


@pytest.mark.slow
@settings(max_examples=40)
@given(ITEMS, CONDITIONS, VALUES, st.booleans())
def test_a_select_finds_what_scan_and_query_find(
    items: list[dict[str, Any]], condition: tuple[str, str], value: dict[str, Any], is_query: bool
) -> None:
    answers = Answers(items)
    try:
        where = "SELECT * FROM one WHERE " + ("p = 'x' AND {}" if is_query else "{}")
        request, native = both(*condition, value, where)
        native = {"TableName": "one", **native, "FilterExpression": condition[1].format(":v")}
        _, found = answers.code("ExecuteStatement", request)
        if is_query and "c =" not in condition[1]:  # a filter of Query may not name a key
            values = {**native.get("ExpressionAttributeValues", {}), ":p": {"S": "x"}}
            native |= {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": values}
            assert found["Items"] == answers.code("Query", native)[1]["Items"]
        else:
            scanned = answers.code("Scan", native)[1]["Items"]
            expected = [item for item in scanned if not is_query or item["p"] == {"S": "x"}]
            assert sorted(map(str, found["Items"])) == sorted(map(str, expected))
    finally:
        answers.close()


@pytest.mark.slow
@settings(max_examples=40)
@given(ITEMS, KEYS, CONDITIONS, VALUES, st.booleans())
def test_a_write_leaves_what_the_native_one_leaves(
    items: list[dict[str, Any]], key: dict[str, Any], condition: tuple[str, str], value: dict[str, Any], deletes: bool
) -> None:
    """UPDATE and DELETE are of an item that is there, which the native ones have to be told."""
    answers = Answers(items)
    try:
        head = "DELETE FROM one" if deletes else "UPDATE one SET d = [1]"
        where = f"{head} WHERE p = '{key['p']['S']}' AND c = {key['c']['N']} AND {{}}"
        request, native = both(*condition, value, where)
        expression = condition[1].format(":v")
        expression = expression if expression.startswith("(") else f"({expression})"
        there = "attribute_not_exists(p) OR " if deletes else "attribute_exists(p) AND "
        native = {"TableName": "two", "Key": key, **native, "ConditionExpression": there + expression}
        if not deletes:
            values = {**native.get("ExpressionAttributeValues", {}), ":d": {"L": [{"N": "1"}]}}
            native |= {"UpdateExpression": "SET d = :d", "ExpressionAttributeValues": values}
        ours = answers.code("ExecuteStatement", request)[0]
        theirs = answers.code("DeleteItem" if deletes else "UpdateItem", native)[0]
        assert ours == theirs
        assert answers.api("Scan", TableName="one") == answers.api("Scan", TableName="two")
    finally:
        answers.close()


def test_streams_and_expiry_see_what_statements_write(api: Api) -> None:
    arn = create(api, "abc")
    api(
        "UpdateTimeToLive",
        TableName="abc",
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "t"},
    )
    api.keep()
    now = int(api.clock.now())
    for statement in (
        f"INSERT INTO abc VALUE {{'p': 'a', 't': {now - 10}}}",
        "UPDATE abc SET n = 1 WHERE p = 'a'",
        "INSERT INTO abc VALUE {'p': 'b'}",
        "DELETE FROM abc WHERE p = 'b'",
    ):
        api("ExecuteStatement", Statement=statement)
    api("ExecuteTransaction", TransactStatements=[{"Statement": "INSERT INTO abc VALUE {'p': 'd'}"}])
    api("BatchExecuteStatement", Statements=[{"Statement": "INSERT INTO abc VALUE {'p': 'e'}"}])
    api.keep()  # the first item's time has come
    assert sorted(item["p"]["S"] for item in api("Scan", TableName="abc")["Items"]) == ["d", "e"]
    records = []
    for shard in api("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]:
        at = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        page = api("GetRecords", ShardIterator=api("GetShardIterator", **at)["ShardIterator"])
        records += [(record["dynamodb"]["Keys"]["p"]["S"], record["eventName"]) for record in page["Records"]]
    told = {name: [event for key, event in records if key == name] for name in "abde"}
    assert told == {
        "a": ["INSERT", "MODIFY", "REMOVE"],
        "b": ["INSERT", "REMOVE"],
        "d": ["INSERT"],
        "e": ["INSERT"],
    }


def test_indexes_and_what_they_cost_follow_statements(api: Api) -> None:
    """Entries come, move and go, as they do for the native operations of the same writes."""
    index = {
        "IndexName": "ggg",
        "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    local = {
        "IndexName": "lll",
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "g", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    definitions = [*CREATE["AttributeDefinitions"], {"AttributeName": "g", "AttributeType": "S"}]
    for name in ("abc", "native"):
        api(
            "CreateTable",
            TableName=name,
            GlobalSecondaryIndexes=[index],
            LocalSecondaryIndexes=[local],
            **{**CREATE, "AttributeDefinitions": definitions},
        )
    key = {"p": {"S": "k"}, "c": {"N": "1"}}
    where = " WHERE p = 'k' AND c = 1"
    writes: list[tuple[str, str, dict[str, Any]]] = [
        ("INSERT INTO abc VALUE {'p': 'k', 'c': 1}", "PutItem", {"Item": key}),
        ("UPDATE abc SET g = 'x'" + where, "UpdateItem", {"UpdateExpression": "SET g = :x"}),
        ("UPDATE abc SET v = 'x'" + where, "UpdateItem", {"UpdateExpression": "SET v = :x"}),
        ("UPDATE abc SET g = 'y'" + where, "UpdateItem", {"UpdateExpression": "SET g = :y"}),
        ("UPDATE abc REMOVE g" + where, "UpdateItem", {"UpdateExpression": "REMOVE g"}),
        ("UPDATE abc SET g = 'x'" + where, "UpdateItem", {"UpdateExpression": "SET g = :x"}),
        ("DELETE FROM abc" + where, "DeleteItem", {}),
    ]
    for statement, operation, request in writes:
        told = api("ExecuteStatement", Statement=statement, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
        used = {name: {"S": name[1]} for name in (":x", ":y") if name in str(request)}
        native = {**request, **({"ExpressionAttributeValues": used} if used else {})}
        if operation != "PutItem":
            native["Key"] = key
        wanted = api(operation, TableName="native", ReturnConsumedCapacity="INDEXES", **native)["ConsumedCapacity"]
        assert told == {**wanted, "TableName": "abc"}, statement
        for name in ("ggg", "lll"):
            rows = [api("Scan", TableName=table, IndexName=name)["Items"] for table in ("abc", "native")]
            assert rows[0] == rows[1], statement


def test_the_short_way_of_an_insert_does_what_the_long_one_does(api: Api) -> None:
    api("CreateTable", TableName="abc", **CREATE)
    statement = "INSERT INTO abc VALUE {'p': ?, 'c': ?, 'm': {'a': [1, ?]}, 's': 'x'}"
    for number, value in enumerate(({"S": "v"}, {"N": "1.50"}, {"BOOL": True}, {"SS": ["b", "a"]}, {"S": "v"}), 1):
        key = [{"S": "k"}, {"N": str(number)}]
        api("ExecuteStatement", Statement=statement, Parameters=[*key, value])
        put = {"p": key[0], "c": key[1], "m": {"M": {"a": {"L": [{"N": "1"}, value]}}}, "s": {"S": "x"}}
        api("PutItem", TableName="abc", Item={**put, "p": {"S": "native"}})
    rows = {}
    for name in ("k", "native"):
        found = api("ExecuteStatement", Statement=f"SELECT * FROM abc WHERE p = '{name}'")["Items"]
        rows[name] = [{**item, "p": None} for item in found]
    assert rows["k"] == rows["native"]
    again = api.refused("ExecuteStatement", Statement=statement, Parameters=[{"S": "k"}, {"N": "1"}, {"S": "v"}])
    assert again.code == "DuplicateItemException"
    large = [{"S": "k"}, {"N": "9"}, {"S": "x" * 409600}]
    assert api.refused("ExecuteStatement", Statement=statement, Parameters=large).message == (
        "Item size has exceeded the maximum allowed size"
    )
