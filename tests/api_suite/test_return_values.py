"""What a write gives back: every ReturnValues, and the item that made a condition fail."""

from typing import Any

import pytest
from tests.api_suite.conftest import Client
from tests.api_suite.refusal import invalid, refused


def _put(client: Client, table: str, key: str) -> dict[str, Any]:
    """An item with attributes a, b and m."""
    item = {"p": {"S": key}, "a": {"N": "1"}, "b": {"S": "x"}, "m": {"M": {"k": {"N": "1"}, "j": {"N": "2"}}}}
    client.put_item(TableName=table, Item=item)
    return item


@pytest.mark.parametrize("choice", [None, "NONE", "ALL_OLD"])
@pytest.mark.parametrize("operation", ["put_item", "delete_item"])
def test_put_and_delete_give_all_that_was_or_nothing(
    client: Client, hash_table: str, unique: str, operation: str, choice: str | None
) -> None:
    old = _put(client, hash_table, unique)
    key = {"p": old["p"]}
    parameters = {"Item": key} if operation == "put_item" else {"Key": key}
    more = {"ReturnValues": choice} if choice else {}
    reply = getattr(client, operation)(TableName=hash_table, **parameters, **more)
    assert reply.get("Attributes") == (old if choice == "ALL_OLD" else None)


@pytest.mark.parametrize("operation", ["put_item", "delete_item"])
def test_what_was_not_there_gives_no_attributes(client: Client, hash_table: str, unique: str, operation: str) -> None:
    parameters = {"Item" if operation == "put_item" else "Key": {"p": {"S": unique}}}
    reply = getattr(client, operation)(TableName=hash_table, ReturnValues="ALL_OLD", **parameters)
    assert "Attributes" not in reply


@pytest.mark.parametrize("operation", ["put_item", "delete_item"])
@pytest.mark.parametrize("choice", ["ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])
def test_put_and_delete_know_no_other_choice(client: Client, hash_table: str, operation: str, choice: str) -> None:
    parameters = {"Item" if operation == "put_item" else "Key": {"p": {"S": "x"}}}
    with invalid("ReturnValues can only be ALL_OLD or NONE|Return values set to invalid value"):
        getattr(client, operation)(TableName=hash_table, ReturnValues=choice, **parameters)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("NONE", None),
        ("UPDATED_OLD", {"a": {"N": "1"}, "b": {"S": "x"}}),
        ("UPDATED_NEW", {"a": {"N": "2"}, "new": {"S": "y"}}),
    ],
)
def test_update_gives_what_it_touched(
    client: Client, hash_table: str, unique: str, choice: str, expected: dict[str, Any] | None
) -> None:
    # What the update removed is not among the new values, what it made is not among the old ones.
    _put(client, hash_table, unique)
    assert _update(client, hash_table, unique, choice).get("Attributes") == expected


def test_update_gives_the_whole_item_before_or_after(client: Client, hash_table: str, unique: str) -> None:
    old = _put(client, hash_table, unique)
    assert _update(client, hash_table, unique, "ALL_OLD")["Attributes"] == old
    after = _update(client, hash_table, unique, "ALL_NEW")["Attributes"]
    assert after == {"p": old["p"], "a": {"N": "3"}, "m": old["m"], "new": {"S": "y"}}


def _update(client: Client, table: str, key: str, choice: str) -> Any:
    return client.update_item(
        TableName=table,
        Key={"p": {"S": key}},
        UpdateExpression="SET a = a + :one, #n = :y REMOVE b",
        ExpressionAttributeNames={"#n": "new"},
        ExpressionAttributeValues={":one": {"N": "1"}, ":y": {"S": "y"}},
        ReturnValues=choice,
    )


@pytest.mark.deviates("dynamodb-local", "it gives the whole top-level attribute")
@pytest.mark.parametrize(
    ("choice", "expected"),
    [("UPDATED_OLD", {"m": {"M": {"k": {"N": "1"}}}}), ("UPDATED_NEW", {"m": {"M": {"k": {"N": "9"}}}})],
)
def test_update_of_a_path_gives_that_path_only(
    client: Client, hash_table: str, unique: str, choice: str, expected: dict[str, Any]
) -> None:
    _put(client, hash_table, unique)
    reply = client.update_item(
        TableName=hash_table,
        Key={"p": {"S": unique}},
        UpdateExpression="SET m.k = :v",
        ExpressionAttributeValues={":v": {"N": "9"}},
        ReturnValues=choice,
    )
    assert reply["Attributes"] == expected


def test_update_of_nothing_makes_the_key(client: Client, hash_table: str, unique: str) -> None:
    # An update without an expression is a way to make sure that an item exists.
    key = {"p": {"S": unique}}
    assert client.update_item(TableName=hash_table, Key=key, ReturnValues="ALL_NEW")["Attributes"] == key
    assert client.get_item(TableName=hash_table, Key=key)["Item"] == key


def test_removal_from_nothing_makes_no_item_appear_changed(client: Client, hash_table: str, unique: str) -> None:
    key = {"p": {"S": unique}}
    reply = client.update_item(TableName=hash_table, Key=key, UpdateExpression="REMOVE a", ReturnValues="UPDATED_NEW")
    assert reply.get("Attributes", {}) == {}


@pytest.mark.parametrize("operation", ["put_item", "update_item", "delete_item"])
def test_a_failed_condition_can_show_the_item(client: Client, hash_table: str, unique: str, operation: str) -> None:
    # It saves the client the read that it would do next.
    old = _put(client, hash_table, unique)
    parameters = {"Item" if operation == "put_item" else "Key": {"p": old["p"]}}
    for choice, shown in (("NONE", None), ("ALL_OLD", old)):
        with refused("ConditionalCheckFailedException", "^The conditional request failed$") as refusal:
            getattr(client, operation)(
                TableName=hash_table,
                ConditionExpression="attribute_not_exists(p)",
                ReturnValuesOnConditionCheckFailure=choice,
                **parameters,
            )
        assert refusal.response.get("Item") == shown
    assert client.get_item(TableName=hash_table, Key={"p": old["p"]})["Item"] == old
