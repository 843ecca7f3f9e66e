"""The short way of an operation gives what the long way gives, for any document at all."""

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.in_process import Api

from statordb.api import dispatch

TABLES = {"one": "pS", "two": "pN cS", "bin": "pB cN"}


@pytest.fixture
def tables(api: Api) -> Api:
    for name, definitions in TABLES.items():
        words = definitions.split()
        api(
            "CreateTable",
            TableName=name,
            KeySchema=[
                {"AttributeName": word[0], "KeyType": kind}
                for word, kind in zip(words, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[{"AttributeName": word[0], "AttributeType": word[1]} for word in words],
            BillingMode="PAY_PER_REQUEST",
        )
    api("PutItem", TableName="one", Item={"p": {"S": "a"}, "v": {"S": "é"}})
    api("PutItem", TableName="two", Item={"p": {"N": "1"}, "c": {"S": "a"}, "v": {"L": []}})
    api("PutItem", TableName="bin", Item={"p": {"B": "YQ=="}, "c": {"N": "1"}})
    return api


contents = st.sampled_from(
    ["a", "1", "1.0", "YQ==", "YQ", "", "x" * 300, "1" * 39, None, True, 1, 1.5, [], ["a"], {}, {"S": "a"}]
)
values = st.one_of(
    st.builds(lambda tag, content: {tag: content}, st.sampled_from(["S", "N", "B", "NULL", "SS", "X"]), contents),
    st.just({"S": "a", "N": "1"}),
    st.just({"S": "a", "N": None}),
    st.just({}),
    contents,
)
usual = st.sampled_from([{"S": "a"}, {"N": "1"}, {"N": "1.0"}, {"B": "YQ=="}])
keys = st.one_of(
    st.dictionaries(st.sampled_from(["p", "c", "d"]), st.one_of(usual, values), max_size=3),
    contents,
)
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


def outcome(api: Api, operation: str, document: Any) -> Any:
    reply = api.reply(operation, orjson.dumps(document))
    assert not api.faults, (document, api.faults)
    return reply.status, orjson.loads(reply.body)


def check(api: Api, operation: str, document: Any) -> None:
    short = outcome(api, operation, document)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dispatch, "SHORTCUTS", {})
        assert outcome(api, operation, document) == short


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents)
def test_a_get_is_answered_alike(tables: Api, document: Any) -> None:
    check(tables, "GetItem", document)


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


def test_the_short_way_sees_a_table_that_goes(tables: Api) -> None:
    request: dict[str, Any] = {"TableName": "one", "Key": {"p": {"S": "a"}}}
    assert tables("GetItem", **request)["Item"]["v"] == {"S": "é"}
    tables("DeleteTable", TableName="one")
    assert tables.refused("GetItem", **request).code == "ResourceNotFoundException"
