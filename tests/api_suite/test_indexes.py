"""Local and global secondary indexes: what is in them, in which order, and what they give."""

from typing import Any

import pytest
from tests.api_suite.conftest import Client, MakeTable, index
from tests.api_suite.refusal import invalid

ATTRIBUTES = {"extra": {"S": "e"}, "more": {"S": "m"}}
KEYS = {"p", "c", "l"}


def _fill(client: Client, table: str, unique: str) -> dict[str, Any]:
    """Four items of one partition, of which two have all index keys; the group that they are in."""
    group = {"S": unique + "-g"}
    for number, keys in enumerate(
        ({"l": {"N": "5"}, "g": group}, {"l": {"N": "-1"}, "g": group}, {"l": {"N": "2"}}, {"g": group})
    ):
        item = {"p": {"S": unique}, "c": {"S": str(number)}, **keys, **ATTRIBUTES}
        client.put_item(TableName=table, Item=item)
    return group


def _query(client: Client, table: str, name: str, key: str, value: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    reply = client.query(
        TableName=table,
        IndexName=name,
        KeyConditionExpression="#k = :k",
        ExpressionAttributeNames={"#k": key},
        ExpressionAttributeValues={":k": value},
        **more,
    )
    found: list[dict[str, Any]] = reply["Items"]
    return found


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("local_all", {"p", "c", "l", "g", "extra", "more"}),
        ("local_keys", {"p", "c", "l"}),
        ("local_some", {"p", "c", "l", "extra"}),
        ("global_keys", {"p", "c", "l", "g"}),
        ("global_some", {"p", "c", "l", "g", "extra"}),
    ],
)
def test_an_index_is_sorted_sparse_and_projects(
    client: Client, indexed_table: str, unique: str, name: str, attributes: set[str]
) -> None:
    group = _fill(client, indexed_table, unique)
    key, value = ("p", {"S": unique}) if name.startswith("local") else ("g", group)
    items = _query(client, indexed_table, name, key, value)
    numbers = ["-1", "2", "5"] if name.startswith("local") else ["-1", "5"]
    assert [item["l"]["N"] for item in items] == numbers
    assert items[0].keys() == attributes
    backward = _query(client, indexed_table, name, key, value, ScanIndexForward=False)
    assert backward == items[::-1]


def test_a_global_index_without_a_sort_key_has_all_of_its_group(
    client: Client, indexed_table: str, unique: str
) -> None:
    group = _fill(client, indexed_table, unique)
    found = _query(client, indexed_table, "global_all", "g", group)
    assert sorted(item["c"]["S"] for item in found) == ["0", "1", "3"]
    assert all(item.keys() > ATTRIBUTES.keys() for item in found)


def test_entries_follow_the_item(client: Client, indexed_table: str, unique: str) -> None:
    # In, moved, out by update, in again, out with the item.
    group, other = {"S": unique + "-g"}, {"S": unique + "-h"}
    key = {"p": {"S": unique}, "c": {"S": "x"}}
    request = {"TableName": indexed_table, "Key": key}

    def places() -> tuple[int, int, int]:
        local = _query(client, indexed_table, "local_all", "p", key["p"])
        return (
            len(local),
            len(_query(client, indexed_table, "global_some", "g", group)),
            len(_query(client, indexed_table, "global_some", "g", other)),
        )

    client.put_item(TableName=indexed_table, Item={**key, "l": {"N": "1"}, "g": group})
    assert places() == (1, 1, 0)
    client.update_item(**request, UpdateExpression="SET g = :h", ExpressionAttributeValues={":h": other})
    assert places() == (1, 0, 1)
    client.update_item(**request, UpdateExpression="REMOVE l")
    assert places() == (0, 0, 0)
    client.update_item(**request, UpdateExpression="SET l = :l", ExpressionAttributeValues={":l": {"N": "3"}})
    assert places() == (1, 0, 1)
    client.delete_item(**request)
    assert places() == (0, 0, 0)


def test_equal_keys_are_all_kept_and_paged(client: Client, indexed_table: str, unique: str) -> None:
    # An index key is not unique, so a page may end among equal ones.
    for number in range(7):
        item = {"p": {"S": unique}, "c": {"S": str(number)}, "l": {"N": "1"}, "g": {"S": unique}}
        client.put_item(TableName=indexed_table, Item=item)
    for name, key in (("local_keys", "p"), ("global_keys", "g")):
        found: list[str] = []
        request: dict[str, Any] = {
            "TableName": indexed_table,
            "IndexName": name,
            "KeyConditionExpression": f"{key} = :k AND l = :l",
            "ExpressionAttributeValues": {":k": {"S": unique}, ":l": {"N": "1"}},
            "Limit": 3,
        }
        while True:
            page = client.query(**request)
            found += [item["c"]["S"] for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            assert page["LastEvaluatedKey"].keys() == (KEYS if name == "local_keys" else KEYS | {"g"})
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        assert sorted(found) == list("0123456")


def test_a_local_index_fetches_what_it_does_not_project(client: Client, indexed_table: str, unique: str) -> None:
    _fill(client, indexed_table, unique)
    items = _query(client, indexed_table, "local_keys", "p", {"S": unique}, Select="ALL_ATTRIBUTES")
    assert items[0].keys() >= ATTRIBUTES.keys()
    items = _query(client, indexed_table, "local_keys", "p", {"S": unique}, ProjectionExpression="more")
    assert items == [{"more": {"S": "m"}}] * 3


def test_a_local_index_can_be_read_consistently_a_global_one_cannot(
    client: Client, indexed_table: str, unique: str
) -> None:
    _query(client, indexed_table, "local_all", "p", {"S": unique}, ConsistentRead=True)
    with invalid("Consistent read"):
        _query(client, indexed_table, "global_all", "g", {"S": unique}, ConsistentRead=True)
    with invalid("Consistent read"):
        client.scan(TableName=indexed_table, IndexName="global_all", ConsistentRead=True)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"Select": "ALL_ATTRIBUTES"}, "Select type ALL_ATTRIBUTES is not supported for global secondary index"),
        ({"ProjectionExpression": "extra"}, r"does not project \[extra\]"),
    ],
)
def test_a_global_index_gives_what_it_projects_only(
    client: Client, indexed_table: str, unique: str, more: dict[str, str], words: str
) -> None:
    with invalid(words):
        _query(client, indexed_table, "global_keys", "g", {"S": unique}, **more)


@pytest.mark.deviates("dynamodb-local", "it takes some of them in an update")
@pytest.mark.parametrize(
    ("attribute", "value", "words"),
    [
        ("l", {"S": "text"}, "Type mismatch for Index Key l Expected: N Actual: S IndexName: "),
        ("g", {"N": "1"}, "Type mismatch for Index Key g Expected: S Actual: N IndexName: "),
        ("g", {"S": "x" * 2049}, "(?i)size|exceed|bytes"),
    ],
)
def test_an_index_key_of_the_wrong_kind(
    client: Client, indexed_table: str, unique: str, attribute: str, value: dict[str, str], words: str
) -> None:
    key = {"p": {"S": unique}, "c": {"S": "x"}}
    with invalid(words):
        client.put_item(TableName=indexed_table, Item={**key, attribute: value})
    with invalid():
        client.update_item(
            TableName=indexed_table,
            Key=key,
            UpdateExpression="SET #a = :a",
            ExpressionAttributeNames={"#a": attribute},
            ExpressionAttributeValues={":a": value},
        )


def test_the_tables_keys_can_be_an_indexs(client: Client, make_table: MakeTable) -> None:
    # The usual inverted index: the sort key first, then the partition key.
    table = make_table("p c", "p:S c:S", GlobalSecondaryIndexes=[index("inverted", "c p", "KEYS_ONLY")])
    for partition in "ba":
        client.put_item(TableName=table, Item={"p": {"S": partition}, "c": {"S": "x"}, "d": {"S": "y"}})
    found = _query(client, table, "inverted", "c", {"S": "x"})
    assert found == [{"p": {"S": partition}, "c": {"S": "x"}} for partition in "ab"]
