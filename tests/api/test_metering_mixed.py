"""Whatever is asked for, in any order: what the taps count is what the answers say that was consumed."""

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.api.test_metering import Used
from tests.in_process import Api, Fault

from statordb.metering.series import READ_UNITS, WRITE_UNITS
from statordb.model.values import item_size

TABLE = "things"
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
UNMET = (
    "ConditionalCheckFailedException", "TransactionCanceledException", "DuplicateItemException",
    "IdempotentParameterMismatchException",
)  # fmt: skip
Told = dict[tuple[str, str], float]
Asked = tuple[str, dict[str, Any]]

keys = st.builds(lambda p, s: {"p": {"S": p}, "s": {"N": str(s)}}, st.sampled_from("ab"), st.integers(0, 2))
texts = st.sampled_from([1, 900, 1100, 3900, 4200, 9000]).map(lambda size: {"S": "x" * size})
others = st.fixed_dictionaries(
    {}, optional={"g": st.sampled_from("gh").map(lambda g: {"S": g}), "l": st.just({"S": "l"}), "v": texts, "w": texts}
)
items = st.builds(lambda key, rest: {**key, **rest}, keys, others)
absent, present = ({"ConditionExpression": f"attribute_{name}(p)"} for name in ("not_exists", "exists"))
conditions = st.sampled_from([{}, {}, absent, present])
consistent = st.sampled_from([{}, {"ConsistentRead": True}])


def updates(key: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    return {"Key": key, "UpdateExpression": "SET v = :v", "ExpressionAttributeValues": {":v": value}}


def insert(item: dict[str, Any]) -> dict[str, Any]:
    members = ", ".join(f"'{name}': ?" for name in item)
    return {"Statement": f"INSERT INTO {TABLE} VALUE {{{members}}}", "Parameters": list(item.values())}


def where(key: dict[str, Any]) -> str:
    return f"WHERE p = '{key['p']['S']}' AND s = {key['s']['N']}"


puts = st.builds(lambda item, cond: ("PutItem", {"Item": item, **cond}), items, conditions)
deletes = st.builds(lambda key, cond: ("DeleteItem", {"Key": key, **cond}), keys, conditions)
changes = st.builds(lambda key, value, cond: ("UpdateItem", {**updates(key, value), **cond}), keys, texts, conditions)
gets = st.builds(lambda key, how: ("GetItem", {"Key": key, **how}), keys, consistent)
_partition = {"KeyConditionExpression": "p = :p"}
queries = st.builds(
    lambda p, how, limit: (
        "Query", {**_partition, "ExpressionAttributeValues": {":p": {"S": p}}, **how, **limit}
    ),
    st.sampled_from("abc"), consistent, st.sampled_from([{}, {"Limit": 1}, {"Select": "COUNT"}]),
)  # fmt: skip
by_index = st.sampled_from(
    [
        ("Query", {"IndexName": "global", "KeyConditionExpression": "g = :g",
                   "ExpressionAttributeValues": {":g": {"S": "g"}}}),
        ("Query", {"IndexName": "local", **_partition, "ExpressionAttributeValues": {":p": {"S": "a"}}}),
        ("Query", {"IndexName": "local", **_partition, "ExpressionAttributeValues": {":p": {"S": "a"}},
                   "Select": "ALL_ATTRIBUTES", "ConsistentRead": True}),
        ("Scan", {"IndexName": "global"}),
    ]
)  # fmt: skip
scans = st.builds(lambda how, limit: ("Scan", {**how, **limit}), consistent, st.sampled_from([{}, {"Limit": 2}]))
batch_gets = st.builds(
    lambda some, how: ("BatchGetItem", {"RequestItems": {TABLE: {"Keys": some, **how}}}),
    st.lists(keys, min_size=1, max_size=4, unique_by=str), consistent,
)  # fmt: skip
batch_writes = st.builds(
    lambda some: ("BatchWriteItem", {"RequestItems": {TABLE: some}}),
    st.lists(
        st.one_of(
            items.map(lambda item: {"PutRequest": {"Item": item}}),
            keys.map(lambda key: {"DeleteRequest": {"Key": key}}),
        ),
        min_size=1, max_size=4,
        unique_by=lambda each: str(_key_of(next(iter(each.values())))),
    ),
)  # fmt: skip
transact_gets = st.lists(keys, min_size=1, max_size=3, unique_by=str).map(
    lambda some: ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": TABLE, "Key": key}} for key in some]})
)
_parts = st.one_of(
    st.builds(lambda item, cond: {"Put": {"TableName": TABLE, "Item": item, **cond}}, items, conditions),
    st.builds(lambda key, cond: {"Delete": {"TableName": TABLE, "Key": key, **cond}}, keys, conditions),
    st.builds(lambda key: {"ConditionCheck": {"TableName": TABLE, "Key": key, **present}}, keys),
    st.builds(lambda key, value: {"Update": {"TableName": TABLE, **updates(key, value)}}, keys, texts),
)
transact_writes = st.builds(
    lambda some, token: ("TransactWriteItems", {"TransactItems": some, **token}),
    st.lists(_parts, min_size=1, max_size=3, unique_by=lambda part: str(_key_of(next(iter(part.values()))))),
    st.sampled_from([{}, {"ClientRequestToken": "same"}]),
)
statements = st.one_of(
    items.map(insert),
    keys.map(lambda key: {"Statement": f"DELETE FROM {TABLE} {where(key)}"}),
    st.builds(
        lambda key, value: {"Statement": f"UPDATE {TABLE} SET v=? {where(key)}", "Parameters": [value]}, keys, texts
    ),
)
selects = st.builds(lambda key, how: {"Statement": f"SELECT * FROM {TABLE} {where(key)}", **how}, keys, consistent)
single_statements = st.one_of(
    statements, selects, st.just({"Statement": f"SELECT * FROM {TABLE}"}),
    st.just({"Statement": f'SELECT * FROM {TABLE}."global" WHERE g = \'g\''}),
).map(lambda each: ("ExecuteStatement", each))  # fmt: skip
batch_statements = st.lists(selects, min_size=1, max_size=3, unique_by=lambda each: each["Statement"]).map(
    lambda some: ("BatchExecuteStatement", {"Statements": some})
)
transact_selects = st.lists(keys, min_size=1, max_size=3, unique_by=str).map(
    lambda some: (
        "ExecuteTransaction",
        {"TransactStatements": [{"Statement": f"SELECT * FROM {TABLE} {where(key)}"} for key in some]},
    )
)
requests = st.one_of(
    puts, puts, deletes, changes, gets, queries, by_index, scans, batch_gets, batch_writes, transact_gets,
    transact_writes, single_statements, batch_statements, transact_selects,
)  # fmt: skip


def _key_of(part: dict[str, Any]) -> dict[str, Any]:
    found = part.get("Item") or part["Key"]
    return {name: found[name] for name in "ps"}


def create(api: Api) -> None:
    api(
        "CreateTable", TableName=TABLE, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "N" if name == "s" else "S"} for name in "psgl"],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[{"IndexName": "global", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                                 "Projection": {"ProjectionType": "ALL"}}],
        LocalSecondaryIndexes=[{"IndexName": "local", "KeySchema": [
            {"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"}}],
    )  # fmt: skip


def told(operation: str, answer: dict[str, Any]) -> Told:
    """What an answer says, by metric and index. One that says both has written."""
    found: Told = defaultdict(float)
    reports = answer.get("ConsumedCapacity") or []
    for report in reports if isinstance(reports, list) else [reports]:
        writes = "WriteCapacityUnits" in report or operation in (
            "PutItem",
            "UpdateItem",
            "DeleteItem",
            "BatchWriteItem",
        )
        metric = WRITE_UNITS if writes else READ_UNITS
        found[metric, ""] += report["Table"]["CapacityUnits"]
        for member in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
            for name, units in (report.get(member) or {}).items():
                found[metric, name] += units["CapacityUnits"]
    return {place: units for place, units in found.items() if units}


def counted(used: Used) -> Told:
    found: Told = defaultdict(float)
    for series, statistic in used().items():
        assert series.local == (series.index == "local")
        found[series.metric, series.index] += statistic.sum
    return dict(found)


def is_write(operation: str, request: dict[str, Any]) -> bool:
    return operation == "ExecuteStatement" and not request["Statement"].startswith("SELECT")


def ask(api: Api, operation: str, request: dict[str, Any]) -> dict[str, Any] | None:
    """The answer, with what was consumed; None if a condition did not hold."""
    named = {} if operation.startswith(("Transact", "Batch", "Execute")) else {"TableName": TABLE}
    try:
        return api(operation, **named, **request, ReturnConsumedCapacity="INDEXES")
    except Fault as fault:
        if fault.code in UNMET:
            return None
        raise


@settings(
    max_examples=40,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(asked=st.lists(requests, min_size=1, max_size=12))
@pytest.mark.slow
def test_taps_count_what_answers_say(api: Api, asked: list[Asked]) -> None:
    if TABLE in api("ListTables")["TableNames"]:
        api("DeleteTable", TableName=TABLE)
        api.keep(3)
    create(api)
    used = Used(api, TABLE)
    used()
    for operation, request in asked:
        answer = ask(api, operation, request)
        found = counted(used)
        if answer is None:
            assert set(found) <= {(WRITE_UNITS, "")}, (operation, found)
            continue
        said = told(operation, answer)
        if is_write(operation, request):
            said = {(WRITE_UNITS, index): units for (_, index), units in said.items()}
        assert found == said, operation


def test_the_judge_sees_a_request_that_was_not_counted(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    create(api)
    used = Used(api, TABLE)
    from statordb.metering.tap import Tap

    monkeypatch.setattr(Tap, "index_write", lambda *arguments: None)
    answer = ask(api, "PutItem", {"Item": {"p": {"S": "a"}, "s": {"N": "1"}, "g": {"S": "g"}}})
    assert answer is not None
    assert counted(used) != told("PutItem", answer)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    item=st.dictionaries(
        st.text(min_size=1, max_size=4).filter(lambda name: name not in "ps"),
        st.recursive(
            st.one_of(
                st.text(max_size=6).map(lambda text: {"S": text}),
                st.integers(-(10**37), 10**37).map(lambda number: {"N": str(number)}),
                st.integers(-120, 120).map(lambda exponent: {"N": f"1e{exponent}"}),
                st.just({"NULL": True}), st.booleans().map(lambda value: {"BOOL": value}),
                st.sampled_from([{"B": "AA=="}, {"B": "AAAAAAAA"}, {"SS": ["a", "\u00e9"]}, {"NS": ["1", "-2"]}]),
            ),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3).map(lambda each: {"L": each}),
                st.dictionaries(st.text(min_size=1, max_size=2), inner, max_size=3).map(lambda each: {"M": each}),
            ),
            max_leaves=6,
        ),
        max_size=4,
    )
)  # fmt: skip
def test_json_of_an_item_is_never_shorter_than_what_dynamodb_counts(item: dict[str, Any]) -> None:
    """So a short text is one unit, and nobody has to look at the header of the stored item."""
    import orjson

    from statordb.model.values import check_item

    size = check_item(item)
    assert size == item_size(item)
    assert len(orjson.dumps(item)) >= size
