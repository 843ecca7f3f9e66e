"""Sets come back in order, whoever made them."""

from typing import Any

import pytest
from tests.in_process import Api

KEY = {"p": {"S": "a"}}
SETS: dict[str, tuple[list[str], list[str], list[str]]] = {  # given, added, all in order
    "SS": (["b", "c"], ["a", "é"], ["a", "b", "c", "é"]),
    "NS": (["10", "9"], ["-1", "9.5"], ["-1", "9", "9.5", "10"]),
    "BS": (["/w==", "AA=="], ["AQ=="], ["AA==", "AQ==", "/w=="]),
}


@pytest.fixture
def table(api: Api) -> Api:
    api(
        "CreateTable",
        TableName="abc",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return api


def stored(api: Api) -> dict[str, Any]:
    item: dict[str, Any] = api("GetItem", TableName="abc", Key=KEY)["Item"]
    return item


@pytest.mark.parametrize("tag", SETS)
def test_a_put_set_is_in_order(table: Api, tag: str) -> None:
    _, _, all_ = SETS[tag]
    given = {tag: all_[::-1]}
    table("PutItem", TableName="abc", Item={**KEY, "s": given, "m": {"M": {"l": {"L": [given]}}}})
    assert stored(table)["s"] == {tag: all_}
    assert stored(table)["m"] == {"M": {"l": {"L": [{tag: all_}]}}}


@pytest.mark.parametrize("tag", SETS)
@pytest.mark.parametrize("path", ["s", "m.s"])
def test_an_updated_set_is_in_order(table: Api, tag: str, path: str) -> None:
    given, added, all_ = SETS[tag]
    asked = {"TableName": "abc", "Key": KEY, "ReturnValues": "UPDATED_NEW"}
    table("PutItem", TableName="abc", Item={**KEY, "m": {"M": {}}})
    for action, value in (("SET {} = :v", given), ("ADD {} :v", added)):
        values = {":v": {tag: value}}
        new = table("UpdateItem", **asked, UpdateExpression=action.format(path), ExpressionAttributeValues=values)
    shown = new["Attributes"]["s"] if path == "s" else new["Attributes"]["m"]["M"]["s"]
    assert shown == {tag: all_}
    values = {":v": {tag: [all_[1]]}}
    new = table("UpdateItem", **asked, UpdateExpression=f"DELETE {path} :v", ExpressionAttributeValues=values)
    shown = new["Attributes"]["s"] if path == "s" else new["Attributes"]["m"]["M"]["s"]
    assert shown == {tag: [all_[0], *all_[2:]]}


@pytest.mark.parametrize("tag", SETS)
def test_the_legacy_form_keeps_the_order(table: Api, tag: str) -> None:
    given, added, all_ = SETS[tag]
    for action, value in (("PUT", given), ("ADD", added)):
        updates = {"s": {"Action": action, "Value": {tag: value}}}
        table("UpdateItem", TableName="abc", Key=KEY, AttributeUpdates=updates)
    assert stored(table)["s"] == {tag: all_}


def test_writes_of_many_keep_the_order(table: Api) -> None:
    given = {"SS": ["c", "a", "b"]}
    table("BatchWriteItem", RequestItems={"abc": [{"PutRequest": {"Item": {**KEY, "s": given}}}]})
    assert stored(table)["s"] == {"SS": ["a", "b", "c"]}
    update = {
        "TableName": "abc",
        "Key": KEY,
        "UpdateExpression": "ADD s :v SET t = :v",
        "ExpressionAttributeValues": {":v": {"SS": ["d", "B"]}},
    }
    table("TransactWriteItems", TransactItems=[{"Update": update}])
    assert stored(table) == {**KEY, "s": {"SS": ["B", "a", "b", "c", "d"]}, "t": {"SS": ["B", "d"]}}
