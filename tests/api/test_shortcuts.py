"""The short way of an operation gives what the long way gives, for any document at all."""

import importlib
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.in_process import Api

from statordb.api import dispatch
from statordb.store.table import Table

RETURNS = ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")
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
    with pytest.MonkeyPatch.context() as patch:  # as of an engine whose rows have to be waited for
        patch.setattr(Table, "here", property(lambda table: None, Table.here.__set__))  # type: ignore[attr-defined]
        assert outcome(api, operation, document) == short


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


items = st.one_of(
    st.dictionaries(
        st.sampled_from(["p", "c", "v", "w", "", "é"]),
        st.one_of(
            usual,
            values,
            st.sampled_from(
                [
                    *({"BOOL": True}, {"BOOL": "x"}, {"NULL": True}, {"NULL": False}, {"N": "-5"}, {"N": "0.50"}),
                    *({"L": [{"S": ""}, {"N": "1"}]}, {"L": [{}]}, {"L": {}}, {"L": ["a"]}, {"M": []}),
                    *({"M": {"": {"S": "a"}}}, {"M": {"a": {"M": {"é": {"BOOL": False}}}}}, {"M": {"a": {"N": "01"}}}),
                    *(
                        {"S": "é"},
                        {"N": "1e3"},
                        {"N": "x"},
                        {"N": "-0"},
                        {"SS": ["a"]},
                        {"SS": ["a", "a"]},
                        {"B": "YQ"},
                    ),
                    *({"M": {"a": {"S": "a", "N": "1"}}}, {"S": "x" * 5000}, {"N": "1" * 38}, {"N": "1" * 39}),
                ]
            ),
        ),
        max_size=5,
    ),
    contents,
)
given_values = st.one_of(
    st.dictionaries(st.sampled_from([":v", ":w", "v", "", f":{'v' * 300}"]), st.one_of(usual, values), max_size=2),
    contents,
)
given_names = st.sampled_from(
    [
        {"#n": "v"},
        {"#n": "p"},
        {"#n": "g"},
        {"#n": ""},
        {"n": "v"},
        {"#n": 1},
        {"#n": "v", "#m": "w"},
        {},
        None,
        1,
    ]
)
puts = st.one_of(
    st.fixed_dictionaries(
        {"TableName": st.sampled_from([*TABLES, "indexed", "none", "", 5, None]), "Item": items},
        optional={
            "ReturnValues": st.sampled_from(["ALL_OLD", "NONE", None]),
            "ConditionExpression": st.sampled_from(
                [
                    *("attribute_not_exists(p)", "attribute_exists(#n)", "v = :v", "#n = :v AND v < :w", "NOT v = :v"),
                    *("contains(v, :v)", "size(v) > :v", "attribute_type(v, :v)", "v IN (:v, :w)", "v =", "", None, 5),
                ]
            ),
            "ExpressionAttributeValues": given_values,
            "ExpressionAttributeNames": given_names,
            "ReturnValuesOnConditionCheckFailure": st.just("ALL_OLD"),
            "Unknown": st.just(1),
        },
    ),
    contents,
)
updates = st.one_of(
    st.fixed_dictionaries(
        {
            "TableName": st.sampled_from([*TABLES, "indexed", "none"]),
            "Key": keys,
            "UpdateExpression": st.sampled_from(
                [
                    *(
                        "SET v = :v",
                        "SET v = :v, w = :w",
                        "SET #n = :v",
                        "ADD v :v",
                        "REMOVE v",
                        "SET p = :v",
                        "SET g = :v",
                    ),
                    *(
                        "SET v[0] = :v",
                        "SET p.a = :v",
                        "SET g.a = :v",
                        "SET v = if_not_exists(v, :v)",
                        "SET v =",
                        "",
                        None,
                        5,
                    ),
                    *("DELETE v :v", "SET v = v + :v", f"SET v = :{'v' * 300}"),
                ]
            ),
        },
        optional={
            "ExpressionAttributeValues": given_values,
            "ExpressionAttributeNames": given_names,
            "ReturnValues": st.sampled_from([*RETURNS, "ALL", "", None, 5, ["NONE"]]),
        },
    ),
    contents,
)


def check_write(api: Api, operation: str, document: Any) -> None:
    """Both ways are answered alike, and leave the same items."""
    found = []
    for shortcuts in (dispatch.SHORTCUTS, {}):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dispatch, "SHORTCUTS", shortcuts)
            for table in ("one", "two", "bin", "indexed"):
                for item in api("Scan", TableName=table)["Items"]:
                    key = {name: item[name] for name in (("p",) if table in ("one", "indexed") else ("p", "c"))}
                    api("DeleteItem", TableName=table, Key=key)
            for table in ("one", "indexed"):
                api("PutItem", TableName=table, Item={"p": {"S": "a"}, "v": {"N": "1"}, "g": {"S": "g"}})
            answer = outcome(api, operation, document)
            left = [api("Scan", TableName=table)["Items"] for table in ("one", "two", "bin", "indexed")]
            found.append((answer, left, api("Scan", TableName="indexed", IndexName="by-g")["Items"]))
    assert found[0] == found[1]


@pytest.fixture
def more_tables(tables: Api) -> Api:
    tables(
        "CreateTable",
        TableName="indexed",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("p", "g")],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    return tables


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(puts)
def test_a_put_is_done_alike(more_tables: Api, document: Any) -> None:
    check_write(more_tables, "PutItem", document)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(updates)
def test_an_update_is_done_alike(more_tables: Api, document: Any) -> None:
    check_write(more_tables, "UpdateItem", document)


@pytest.mark.parametrize(
    "condition", ["attribute_exists(#n)", "attribute_not_exists(#n)", "#n = :v", "#n <> :v", "#n ="]
)
@pytest.mark.parametrize("partition", ["a", "new"])
def test_a_put_on_a_condition_is_done_alike(more_tables: Api, partition: str, condition: str) -> None:
    for table in ("one", "indexed"):
        document = {
            "TableName": table,
            "Item": {"p": {"S": partition}, "v": {"N": "2"}},
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#n": "v"},
        }
        values = {"ExpressionAttributeValues": {":v": {"N": "1"}}}
        check_write(more_tables, "PutItem", document | (values if ":v" in condition else {}))
        check_write(more_tables, "PutItem", document | values)
        check_write(more_tables, "PutItem", document | {"ConditionExpression": None})


@pytest.mark.parametrize("returns", RETURNS)
def test_an_update_returns_the_same(more_tables: Api, returns: str) -> None:
    for partition in ("a", "new"):
        for update in ("SET #n = :v", "REMOVE #n", "SET w = :v REMOVE #n"):
            document = {
                "TableName": "one",
                "Key": {"p": {"S": partition}},
                "UpdateExpression": update,
                "ExpressionAttributeNames": {"#n": "v"},
                "ReturnValues": returns,
            }
            values = {"ExpressionAttributeValues": {":v": {"N": "2"}}} if ":v" in update else {}
            check_write(more_tables, "UpdateItem", document | values)


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
        for values in (*several, *several):
            document = {
                "TableName": "two",
                "KeyConditionExpression": text,
                "ExpressionAttributeValues": values,
                **named,
            }
            check(tables, "Query", document)


def test_so_many_key_conditions_are_remembered(tables: Api) -> None:
    for number in range(100):
        values = {f":p{number}": {"N": "1"}}
        tables("Query", TableName="two", KeyConditionExpression=f"p = :p{number}", ExpressionAttributeValues=values)
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


def test_the_short_way_of_writes_is_taken(more_tables: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    more_tables("GetItem", TableName="indexed", Key={"p": {"S": "a"}})  # the table is known from here on

    def checked(operation: str, document: Any) -> Any:
        raise AssertionError("the request was checked")

    item = {"p": {"S": "a"}, "g": {"S": "g"}, "v": {"M": {"l": {"L": [{"N": "1"}, {"BOOL": True}]}}}}
    with monkeypatch.context() as patch:
        patch.setattr(more_tables.dispatcher, "_check", checked)
        more_tables("PutItem", TableName="indexed", Item=item)
        conditions: list[dict[str, Any]] = [
            {"ConditionExpression": "attribute_exists(p)"},
            {
                "ConditionExpression": "#g = :g",
                "ExpressionAttributeNames": {"#g": "g"},
                "ExpressionAttributeValues": {":g": {"S": "g"}},
            },
        ]
        for condition in conditions:
            more_tables("PutItem", TableName="indexed", Item=item, **condition)
        refused = more_tables.refused(
            "PutItem", TableName="indexed", Item=item, ConditionExpression="attribute_not_exists(p)"
        )
        assert refused.code.endswith("ConditionalCheckFailedException")
        more_tables(
            "UpdateItem",
            TableName="indexed",
            Key={"p": {"S": "a"}},
            UpdateExpression="SET v.#l[0] = v.#l[0] + :one REMOVE g",
            ExpressionAttributeNames={"#l": "l"},
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        for returns in RETURNS:
            more_tables(
                "UpdateItem",
                TableName="indexed",
                Key={"p": {"S": "a"}},
                UpdateExpression="REMOVE w",
                ReturnValues=returns,
            )
    found = more_tables("GetItem", TableName="indexed", Key={"p": {"S": "a"}})["Item"]
    assert found == {"p": {"S": "a"}, "v": {"M": {"l": {"L": [{"N": "2"}, {"BOOL": True}]}}}}
    assert more_tables("Scan", TableName="indexed", IndexName="by-g")["Count"] == 0


LARGE = {"S": "x" * 100_000}


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("PutItem", {"Item": {"p": {"S": "a"}, "v": LARGE}}),
        ("PutItem", {"Item": {"p": {"S": "a"}, "v": LARGE, "w": {"S": "x" * 310_000}}}),
        ("PutItem", {"Item": {"p": LARGE}}),
        ("PutItem", {"Item": {"p": {"S": "a"}, "v": {"L": [{"N": "1"}] * 5000}}}),
        (
            "PutItem",
            {
                "Item": {"p": {"S": "a"}, "v": LARGE},
                "ConditionExpression": "v = :v",
                "ExpressionAttributeValues": {":v": LARGE},
            },
        ),
        (
            "UpdateItem",
            {
                "Key": {"p": {"S": "a"}},
                "UpdateExpression": "SET v = :v",
                "ExpressionAttributeValues": {":v": LARGE},
            },
        ),
        ("GetItem", {"Key": {"p": LARGE}}),
        *(
            ("PutItem", {"Item": {"p": {"S": "a"}, **item}})
            for name in ("x" * 65_535, "x" * 65_536, "\u00e9" * 32_767, "\u00e9" * 32_768)
            for item in ({name: {"S": "v"}}, {"m": {"M": {name: {"N": "1"}}}})
        ),
        (
            "UpdateItem",
            {
                "Key": {"p": {"S": "a"}},
                "UpdateExpression": "SET v = :v",
                "ExpressionAttributeValues": {":v": {"M": {"x" * 65_536: {"S": "x"}}}},
            },
        ),
    ],
)
def test_large_requests_are_answered_alike(more_tables: Api, operation: str, request_: dict[str, Any]) -> None:
    check_write(more_tables, operation, {"TableName": "one"} | request_)


@pytest.mark.parametrize(("value", "checks"), [(LARGE, 0), ({"L": [{"N": "1"}] * 5000}, 1)])
def test_what_is_long_and_has_few_members_takes_the_short_way(tables: Api, value: Any, checks: int) -> None:
    tables("GetItem", TableName="one", Key={"p": {"S": "a"}})  # the table is known from here on
    asked: list[str] = []
    check = tables.dispatcher._check

    def checked(operation: str, document: Any) -> Any:
        asked.append(operation)
        return check(operation, document)

    tables.dispatcher._check = checked
    tables("PutItem", TableName="one", Item={"p": {"S": "a"}, "v": value})
    assert len(asked) == checks


def test_the_short_way_sees_a_table_that_goes(tables: Api) -> None:
    request: dict[str, Any] = {"TableName": "one", "Key": {"p": {"S": "a"}}}
    assert tables("GetItem", **request)["Item"]["v"] == {"S": "é"}
    tables("DeleteTable", TableName="one")
    assert tables.refused("GetItem", **request).code == "ResourceNotFoundException"
