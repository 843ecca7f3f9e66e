"""The short way of a write does what the long way does, for any document at all."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.both_ways import LARGE, RETURNS, TABLES, contents, keys, make_tables, outcome, usual, values
from tests.in_process import Api

from statordb.api import dispatch


@pytest.fixture
def tables(api: Api) -> Api:
    return make_tables(api)


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
