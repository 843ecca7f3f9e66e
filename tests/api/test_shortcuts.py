"""The short way of a read gives what the long way gives, for any document at all."""

import importlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.both_ways import TABLES, check, contents, keys, make_tables, usual, values
from tests.in_process import Api


@pytest.fixture
def tables(api: Api) -> Api:
    return make_tables(api)


documents = st.one_of(
    st.fixed_dictionaries(
        {"TableName": st.sampled_from([*TABLES, "none", "", 5, None]), "Key": keys},
        optional={
            "ConsistentRead": st.sampled_from([True, False, None, "true", 1]),
            "AttributesToGet": st.sampled_from([["v"], [], None]),
            "ReturnConsumedCapacity": st.sampled_from(["TOTAL", "NONE", None]),
            "Unknown": st.just(1),
        },
    ),
    contents,
)


entries = st.one_of(
    st.fixed_dictionaries({"PutRequest": st.fixed_dictionaries({"Item": keys})}),
    st.fixed_dictionaries({"DeleteRequest": st.fixed_dictionaries({"Key": keys})}),
    st.sampled_from(
        [
            {},
            {"PutRequest": {}},
            {"PutRequest": {"Item": {"p": {"S": "a"}}, "Unknown": 1}},
            {"PutRequest": {"Item": {"p": {"S": "a"}}}, "DeleteRequest": {"Key": {"p": {"S": "b"}}}},
            {"DeleteRequest": {"Item": {"p": {"S": "a"}}}},
            {"PutRequest": {"Item": {"p": {"S": "a"}, "": {"S": "a"}}}},
            {"PutRequest": None},
            None,
        ]
    ),
)
batches = st.one_of(
    st.fixed_dictionaries(
        {
            "RequestItems": st.dictionaries(
                st.sampled_from([*TABLES, "none", ""]), st.one_of(st.lists(entries, max_size=3), contents), max_size=2
            )
        },
        optional={"ReturnConsumedCapacity": st.sampled_from(["TOTAL", None]), "Unknown": st.just(1)},
    ),
    contents,
)


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches)
def test_a_batch_of_writes_is_answered_alike(tables: Api, document: Any) -> None:
    check(tables, "BatchWriteItem", document)


@pytest.mark.parametrize("count", [1, 25, 26])
def test_a_usual_batch_of_writes_is_answered_alike(tables: Api, count: int) -> None:
    puts = [{"PutRequest": {"Item": {"p": {"S": str(number)}, "v": {"N": "1"}}}} for number in range(count)]
    check(tables, "BatchWriteItem", {"RequestItems": {"one": puts}})
    check(
        tables, "BatchWriteItem", {"RequestItems": {"one": [*puts[1:], {"DeleteRequest": {"Key": {"p": {"S": "0"}}}}]}}
    )
    assert tables("Scan", TableName="one", Select="COUNT")["Count"] == (count if count <= 25 else 1)


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents)
def test_a_get_is_answered_alike(tables: Api, document: Any) -> None:
    check(tables, "GetItem", document)


@pytest.mark.parametrize("consistent", [True, False])
def test_usual_reads_are_answered_alike(tables: Api, consistent: bool) -> None:
    for name, key in (
        ("one", {"p": {"S": "a"}}),
        ("one", {"p": {"S": "none"}}),
        ("one", {"p": {"S": "a"}, "c": {"S": "a"}}),
        ("two", {"p": {"N": "1.0"}, "c": {"S": "a"}}),
        ("two", {"p": {"N": "1"}}),
        ("bin", {"p": {"B": "YQ=="}, "c": {"N": "1"}}),
    ):
        check(tables, "GetItem", {"TableName": name, "Key": key, "ConsistentRead": consistent})
    query = {"TableName": "two", "KeyConditionExpression": "p = :p", "ConsistentRead": consistent}
    check(tables, "Query", query | {"ExpressionAttributeValues": {":p": {"N": "1"}}})


conditions = st.sampled_from(
    [
        *("p = :p", "p = :p AND c = :c", "p = :p AND c < :c", "p = :p AND c BETWEEN :b AND :c", "#p = :p"),
        *("p = :p AND begins_with(c, :c)", "c = :c", "p > :p", "p = :p AND c <> :c", "p =", "", None, 5),
    ]
)
queries = st.one_of(
    st.fixed_dictionaries(
        {
            "TableName": st.sampled_from([*TABLES, "none"]),
            "KeyConditionExpression": conditions,
            "ExpressionAttributeValues": st.one_of(
                st.dictionaries(st.sampled_from([":p", ":c", ":b"]), st.one_of(usual, values), max_size=3),
                contents,
            ),
        },
        optional={
            "ExpressionAttributeNames": st.sampled_from([{"#p": "p"}, {"#p": "q"}, {}, {"p": "p"}, {"#p": 1}, None, 1]),
            "Limit": st.sampled_from([1, 2, 3, 256, 257, 0, -1, True, "1", 1.5, None]),
            "ScanIndexForward": st.sampled_from([True, False, None, 0]),
            "ConsistentRead": st.sampled_from([True, False, None, "true"]),
            "Select": st.sampled_from(["COUNT", "ALL_ATTRIBUTES", "X"]),
            "IndexName": st.sampled_from(["none", None]),
        },
    ),
    contents,
)


@pytest.mark.slow
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(queries)
def test_a_query_is_answered_alike(tables: Api, document: Any) -> None:
    check(tables, "Query", document)


def test_pages_of_a_query_are_the_same(tables: Api) -> None:
    """Of small rows, and of rows that are more than is read at once, with any limit."""
    for number in range(3, 9):
        tables("PutItem", TableName="two", Item={"p": {"N": "2"}, "c": {"S": str(number)}})
        tables("PutItem", TableName="two", Item={"p": {"N": "3"}, "c": {"S": str(number)}, "v": {"S": "x" * 200_000}})
    for limit in (None, 1, 2, 5, 6, 7):
        for forward in (True, False):
            for partition in ("2", "3"):
                document: dict[str, Any] = {
                    "TableName": "two",
                    "KeyConditionExpression": "p = :p",
                    "ExpressionAttributeValues": {":p": {"N": partition}},
                    "ScanIndexForward": forward,
                }
                check(tables, "Query", document if limit is None else {**document, "Limit": limit})


def test_known_key_conditions_are_answered_alike(tables: Api) -> None:
    """Each is asked for twice: the second time its text is known, with other values, and names that mean others."""
    for number in range(3, 9):
        tables("PutItem", TableName="two", Item={"p": {"N": "2"}, "c": {"S": str(number)}})
    one, few, low, high = {"N": "2.0"}, {"S": "4"}, {"S": "3"}, {"S": "7"}
    for text, names, *several in (
        (
            "p = :p",
            None,
            {":p": one},
            {":p": {"N": "1"}},
            {":p": {"S": "2"}},
            {":p": {"N": "x"}},
            {":p": one, ":q": one},
        ),
        ("#p = :p", {"#p": "p"}, {":p": one}, {":p": {"N": "1"}}),
        ("#p = :p", {"#p": "c"}, {":p": one}),
        ("#p = :p", {"#p": ["p"]}, {":p": one}),
        ("#p = :p", {"#p": "p", "#q": "p"}, {":p": one}),
        ("p = :p", {}, {":p": one}),
        ("#p = :p AND #c >= :c", {"#p": "p", "#c": "c"}, {":p": one, ":c": few}, {":p": one, ":c": high}),
        (
            "c < :c AND p = :p",
            None,
            {":p": one, ":c": few},
            {":p": one},
            {":p": one, ":c": one},
            {":p": few, ":c": few},
        ),
        (
            "p = :p AND c = :c",
            None,
            {":p": one, ":c": few},
            {":p": one, ":c": {"S": ""}},
            {":p": one, ":c": {"B": "YQ=="}},
        ),
        ("p = :p AND begins_with(c, :c)", None, {":p": one, ":c": few}, {":p": one, ":c": {"S": "x" * 1025}}),
        (
            "p = :p AND c BETWEEN :a AND :b",
            None,
            {":p": one, ":a": low, ":b": high},
            {":p": one, ":a": high, ":b": low},
        ),
        ("p = :p AND c BETWEEN :a AND :a", None, {":p": one, ":a": low}, {":p": one, ":a": low, ":b": high}),
        ("p = :p AND c = :p", None, {":p": one}),
    ):
        named = {} if names is None else {"ExpressionAttributeNames": names}
        for bound in (*several, *several):
            document = {
                "TableName": "two",
                "KeyConditionExpression": text,
                "ExpressionAttributeValues": bound,
                **named,
            }
            check(tables, "Query", document)


def test_so_many_key_conditions_are_remembered(tables: Api) -> None:
    for number in range(100):
        bound = {f":p{number}": {"N": "1"}}
        tables("Query", TableName="two", KeyConditionExpression=f"p = :p{number}", ExpressionAttributeValues=bound)
    table = tables.store.catalog.cached("000000000000", "us-east-1", "two")
    assert table is not None
    assert 0 < len(table.forms) <= 64


def test_the_short_way_is_taken(tables: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the property says nothing: usual requests must not need the general checks."""
    request: dict[str, Any] = {"TableName": "two", "Key": {"p": {"N": "1.0"}, "c": {"S": "a"}}}
    tables("GetItem", **request)  # the table is known from here on

    def checked(operation: str, document: Any) -> Any:
        raise AssertionError("the request was checked")

    monkeypatch.setattr(tables.dispatcher, "_check", checked)
    variants: list[dict[str, Any]] = [{}, {"ConsistentRead": True}]
    for more in variants:
        assert tables("GetItem", **request, **more)["Item"]["v"] == {"L": []}
    asked: dict[str, Any] = {
        "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": {":p": {"N": "1.0"}},
    }
    variants = [{}, {"Limit": 1}, {"ScanIndexForward": False, "ConsistentRead": True}]
    for more in variants:
        assert tables("Query", TableName="two", **asked, **more)["Count"] == 1

    def arranged(path: Any, conditions: Any) -> Any:
        raise AssertionError("the condition was arranged again")

    asked = {
        "KeyConditionExpression": "#p = :p AND begins_with(c, :c)",
        "ExpressionAttributeNames": {"#p": "p"},
        "ExpressionAttributeValues": {":p": {"N": "1.0"}, ":c": {"S": "a"}},
    }
    assert tables("Query", TableName="two", **asked)["Count"] == 1
    monkeypatch.setattr(importlib.import_module("statordb.api.operations.query"), "arrange", arranged)
    assert tables("Query", TableName="two", **asked)["Count"] == 1


def test_the_short_way_sees_a_table_that_goes(tables: Api) -> None:
    request: dict[str, Any] = {"TableName": "one", "Key": {"p": {"S": "a"}}}
    assert tables("GetItem", **request)["Item"]["v"] == {"S": "é"}
    tables("DeleteTable", TableName="one")
    assert tables.refused("GetItem", **request).code == "ResourceNotFoundException"
