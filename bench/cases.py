"""What is asked of each server: the table, its items, and the requests of each case as (operation, JSON body)."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

USERS = 10_000
SMALL_PAYLOAD_BYTES = 180  # a small item: about 300 bytes on the wire
LIST_ITEMS = 50
LIST_ITEM_BYTES = 400
PAGE_ITEMS = 10
PAYLOAD_BYTES = 900  # with the keys, a number and a list: an item of about 1 KB on the wire
SEED = 1

TABLE_SCHEMA: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


@dataclass(frozen=True)
class Case:
    """One line of the table: what it is called, its operation, and the floor's operation it is set against."""

    name: str
    operation: str
    floor_operation: str


GET = Case("GetItem 1 KB, consistent", "GetItem", "GetItem")
PUT = Case("PutItem 1 KB", "PutItem", "PutItem")
UPDATE = Case("UpdateItem SET and ADD", "UpdateItem", "PutItem")
QUERY = Case("Query 10 items of 400 B", "Query", "GetItem")
CASES = (GET, PUT, UPDATE, QUERY)


def key(number: int) -> dict[str, Any]:
    """The primary key of user `number`."""
    return {"pk": {"S": f"user#{number:08d}"}, "sk": {"S": "a"}}


def item(number: int) -> dict[str, Any]:
    """The 1 KB item of user `number`."""
    return key(number) | {
        "n": {"N": str(number)},
        "data": {"S": "x" * PAYLOAD_BYTES},
        "tags": {"L": [{"S": "a"}, {"S": "b"}]},
    }


def json_item(number: int) -> bytes:
    """The 1 KB item as JSON."""
    text = json.dumps(item(number), separators=(",", ":"))
    return text.encode()


def small_item(number: int) -> dict[str, Any]:
    """An item of about 300 bytes."""
    return key(number) | {"n": {"N": str(number)}, "data": {"S": "x" * SMALL_PAYLOAD_BYTES}}


def list_items() -> Iterator[dict[str, Any]]:
    """The one item collection that Query reads a page of."""
    for number in range(LIST_ITEMS):
        yield {"pk": {"S": "list"}, "sk": {"S": f"{number:03d}"}, "d": {"S": "y" * LIST_ITEM_BYTES}}


def body(operation: str, table: str, number: int) -> bytes:
    """The request of `operation` for user `number` of `table`."""
    return json.dumps({"TableName": table} | _parameters(operation, number)).encode()


def _parameters(operation: str, number: int) -> dict[str, Any]:
    if operation == "GetItem":
        return {"Key": key(number), "ConsistentRead": True}
    if operation == "PutItem":
        return {"Item": item(number)}
    if operation == "UpdateItem":
        return {
            "Key": key(number),
            "UpdateExpression": "SET #seen = :now ADD #n :one",
            "ExpressionAttributeNames": {"#seen": "seen", "#n": "n"},
            "ExpressionAttributeValues": {":now": {"S": "now"}, ":one": {"N": "1"}},
            "ReturnValues": "ALL_NEW",
        }
    if operation == "Query":
        return {
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": "list"}},
            "Limit": PAGE_ITEMS,
        }
    raise ValueError(f"no case asks for {operation}")


def bodies(operation: str, table: str, users: int, count: int = USERS) -> list[bytes]:
    """`count` requests over keys drawn evenly from `users`; the same ones each time."""
    drawn = random.Random(SEED)
    return [body(operation, table, drawn.randrange(users)) for _ in range(count)]


def changing_puts(table: str, users: int, run: int, count: int = USERS) -> list[bytes]:
    """PutItem requests which each change their item, as long as they are sent in turns: a put that changes nothing
    gives a stream nothing. `run` is a number that no earlier requests were made with."""
    drawn = random.Random(SEED).sample(range(users), min(users, count // 2))
    return [
        json.dumps({"TableName": table, "Item": item(number) | {"n": {"N": str(2 * run + turn)}}}).encode()
        for turn in (0, 1)
        for number in drawn
    ]
