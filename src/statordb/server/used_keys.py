"""Which keys a request used, from its document and its answer: for those that are looked at alone."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson

from statordb.metering.key_use import ACCESSED, THROTTLED, KeyUse
from statordb.model.request import Reply, Request

BODY_BYTES_MAX = 64 * 1024  # of the answer to a Query, that is looked into
KEYS_MAX = 100  # of one request
_ALONE = {"GetItem": "Key", "DeleteItem": "Key", "UpdateItem": "Key", "PutItem": "Item"}
_WITHIN = ("Key", "Item")
_PUTS = ("PutItem", "BatchWriteItem", "TransactWriteItems")

Item = Mapping[str, Any]


def count_keys(use: KeyUse, name: str, request: Request, reply: Reply, times: int) -> None:
    """Have the keys of a request to a table counted, each for so many; `name`: the table's, as the request has it."""
    document = request.asked
    kind = ACCESSED if reply.error is None else THROTTLED
    for index, item in islice(_items(request.operation, name, document, reply), KEYS_MAX):
        # What is put into a table is put into its indexes; what is read by one is read there.
        for whose, part in use.parts.items():
            values = _values(item, part.names) if whose == index or (not index and request.operation in _PUTS) else []
            if values:
                use.add(whose, values, kind, times)


def _items(operation: str, name: str, document: Any, reply: Reply) -> Iterator[tuple[str, Item]]:
    """Keys, or items that have them, each with the index that it was asked by ("": none)."""
    alone = _ALONE.get(operation)
    if alone is not None:
        yield "", document[alone]
    elif operation == "Query":
        yield from _found(document, reply)
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        asked = document["RequestItems"][name]
        for each in asked["Keys"] if isinstance(asked, dict) else asked:
            yield "", each if isinstance(asked, dict) else _within(next(iter(each.values())))
    elif operation in ("TransactGetItems", "TransactWriteItems"):
        for part in document["TransactItems"]:
            inner = next(iter(part.values()))
            if inner["TableName"] == name:
                yield "", _within(inner)


def _within(part: Item) -> Item:
    """The key, or the item, of a part of a batch or a transaction."""
    for member in _WITHIN:
        if member in part:
            found: Item = part[member]
            return found
    return {}


def _found(document: Any, reply: Reply) -> Iterator[tuple[str, Item]]:
    """The items that were returned to a Query."""
    if reply.error is None and len(reply.body) <= BODY_BYTES_MAX:
        index = document.get("IndexName") or ""
        for item in orjson.loads(bytes(reply.body)).get("Items", ()):
            yield index, item


def _values(item: Item, names: Sequence[str]) -> list[str]:
    """The values of a key as text: of all of its attributes, or of the first alone; [] where that is not there."""
    found: list[str] = []
    for name in names:
        value = item.get(name)
        if not isinstance(value, dict) or len(value) != 1:
            break
        found.append(str(next(iter(value.values()))))
    return found
