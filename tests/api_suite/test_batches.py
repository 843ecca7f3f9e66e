"""BatchGetItem and BatchWriteItem: several tables at once, what a batch cannot hold, what is left for the next."""

from typing import Any

import pytest
from tests.api_suite.conftest import Client, MakeTable
from tests.api_suite.refusal import invalid, refused

KIB = 1024
BATCH_GET_BYTES_MAX = 16 * KIB * KIB


def _put(key: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"PutRequest": {"Item": {**key, **more}}}


def _keys(prefix: str, count: int) -> list[dict[str, Any]]:
    return [{"p": {"S": f"{prefix}-{number}"}} for number in range(count)]


def test_puts_and_deletes_over_tables(client: Client, hash_table: str, sort_table: str, unique: str) -> None:
    old, new = _keys(unique, 2)
    client.put_item(TableName=hash_table, Item=old)
    other = {**old, "c": {"N": "1"}}
    reply = client.batch_write_item(
        RequestItems={
            hash_table: [{"DeleteRequest": {"Key": old}}, _put(new, v={"S": "x"})],
            sort_table: [_put(other)],
        }
    )
    assert reply["UnprocessedItems"] == {}
    got = client.batch_get_item(RequestItems={hash_table: {"Keys": [old, new]}, sort_table: {"Keys": [other]}})
    assert got["Responses"] == {hash_table: [{**new, "v": {"S": "x"}}], sort_table: [other]}
    assert got["UnprocessedKeys"] == {}


def test_a_put_replaces_the_whole_item(client: Client, hash_table: str, unique: str) -> None:
    (key,) = _keys(unique, 1)
    client.put_item(TableName=hash_table, Item={**key, "old": {"S": "x"}})
    client.batch_write_item(RequestItems={hash_table: [_put(key, new={"S": "y"})]})
    assert client.get_item(TableName=hash_table, Key=key)["Item"] == {**key, "new": {"S": "y"}}


def test_keys_without_items_are_left_out(client: Client, hash_table: str, unique: str) -> None:
    got = client.batch_get_item(RequestItems={hash_table: {"Keys": _keys(unique, 3), "ConsistentRead": True}})
    assert got["Responses"] == {hash_table: []}


@pytest.mark.parametrize(("count", "good"), [(25, True), (26, False)])
def test_a_batch_writes_at_most_25(client: Client, hash_table: str, unique: str, count: int, good: bool) -> None:
    requests = {hash_table: [_put(key) for key in _keys(unique, count)]}
    if good:
        assert client.batch_write_item(RequestItems=requests)["UnprocessedItems"] == {}
        return
    with invalid("length less than or equal to 25|Too many items requested for the BatchWriteItem call"):
        client.batch_write_item(RequestItems=requests)
    assert "Item" not in client.get_item(TableName=hash_table, Key=_keys(unique, 1)[0])  # all or none is checked


@pytest.mark.parametrize(("count", "good"), [(100, True), (101, False)])
def test_a_batch_reads_at_most_100(client: Client, hash_table: str, unique: str, count: int, good: bool) -> None:
    request = {hash_table: {"Keys": _keys(unique, count)}}
    if good:
        client.batch_get_item(RequestItems=request)
        return
    with invalid("length less than or equal to 100|Too many items requested for the BatchGetItem call"):
        client.batch_get_item(RequestItems=request)


def test_the_limit_counts_over_all_tables(client: Client, hash_table: str, sort_table: str, unique: str) -> None:
    keys = _keys(unique, 13)
    sorted_puts = [_put({**key, "c": {"N": "1"}}) for key in keys]
    with invalid("Too many items requested for the BatchWriteItem call"):
        client.batch_write_item(RequestItems={hash_table: [_put(key) for key in keys], sort_table: sorted_puts})


def test_no_key_twice(client: Client, hash_table: str, unique: str) -> None:
    """Parts of a batch have no order, so it would be open which of two writes of one item comes last."""
    (key,) = _keys(unique, 1)
    for requests in ([_put(key), _put(key)], [_put(key), {"DeleteRequest": {"Key": key}}]):
        with invalid("Provided list of item keys contains duplicates"):
            client.batch_write_item(RequestItems={hash_table: requests})
    with invalid("Provided list of item keys contains duplicates"):
        client.batch_get_item(RequestItems={hash_table: {"Keys": [key, key]}})


@pytest.mark.deviates("dynamodb-local", "it compares the numbers as texts")
def test_equal_numbers_are_the_same_key(client: Client, sort_table: str, unique: str) -> None:
    keys = [{"p": {"S": unique}, "c": {"N": number}} for number in ("1", "1.0")]
    with invalid("Provided list of item keys contains duplicates"):
        client.batch_get_item(RequestItems={sort_table: {"Keys": keys}})


def test_one_bad_item_stops_the_batch(client: Client, hash_table: str, unique: str) -> None:
    good, bad = _keys(unique, 2)
    for wrong in ({"q": {"S": "x"}}, {**bad, "v": {"N": "x"}}, {**bad, "v": {"SS": []}}, {"p": {"S": ""}}):
        with invalid():
            client.batch_write_item(RequestItems={hash_table: [_put(good), _put(wrong)]})
    assert "Item" not in client.get_item(TableName=hash_table, Key=good)


def test_one_unknown_table_stops_the_batch(client: Client, hash_table: str, unique: str) -> None:
    (key,) = _keys(unique, 1)
    with refused("ResourceNotFoundException"):
        client.batch_write_item(RequestItems={hash_table: [_put(key)], "no-such-table": [_put(key)]})
    assert "Item" not in client.get_item(TableName=hash_table, Key=key)


def test_a_request_is_a_put_or_a_delete(client: Client, hash_table: str, unique: str) -> None:
    (key,) = _keys(unique, 1)
    for request in ({}, {**_put(key), "DeleteRequest": {"Key": key}}):
        with invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one"):
            client.batch_write_item(RequestItems={hash_table: [request]})


def test_more_than_16_mb_are_left_for_the_next_batch(client: Client, make_table: MakeTable) -> None:
    # 44 items of nearly 400 KB are more than one answer may hold; the rest is named, in the form of a request.
    table = make_table("p", "p:S")
    item_bytes = 390 * KIB
    keys = _keys("large", 44)
    for key in keys:
        client.put_item(TableName=table, Item={**key, "d": {"S": "x" * item_bytes}})
    options = {"ProjectionExpression": "#p", "ExpressionAttributeNames": {"#p": "p"}, "ConsistentRead": True}
    first = client.batch_get_item(RequestItems={table: {"Keys": keys, **options}})
    got, left = first["Responses"][table], first["UnprocessedKeys"][table]
    assert 1 <= len(got) <= BATCH_GET_BYTES_MAX // item_bytes + 1
    assert len(got) + len(left["Keys"]) == len(keys)
    assert {name: left[name] for name in options} == options
    second = client.batch_get_item(RequestItems=first["UnprocessedKeys"])
    assert second["UnprocessedKeys"] == {}
    everything = [item["p"]["S"] for item in got + second["Responses"][table]]
    assert sorted(everything) == sorted(key["p"]["S"] for key in keys)
