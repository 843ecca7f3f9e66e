"""Answers of writes: returned attributes, consumed capacity, item collection metrics, failed conditions."""

from collections.abc import Iterable
from typing import Any

from statordb.api.answers import wanted
from statordb.api.context import Answer, Request
from statordb.commands.capacity import Meter
from statordb.commands.writing import Done, Unmet
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.values import Item
from statordb.store import codec
from statordb.store.collections import collection_bytes
from statordb.store.table import Table

GIB = 1 << 30


def condition_failure(request: Request, unmet: Unmet) -> ClientError:
    """The error of a condition that did not hold."""
    old = unmet.old
    if old is not None and request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
        return errors.conditional_check_failed(old.item)
    return errors.conditional_check_failed()


async def written_answer(request: Request, done: Done, item: Item, attributes: bytes | None) -> Answer:
    """The answer of PutItem, UpdateItem and DeleteItem.

    `item`: what was put, or the primary key. `attributes`: JSON of the Attributes member.
    """
    if attributes is None and len(request) <= 2:
        return b"{}"
    answer: dict[str, Any] = {}
    detail = wanted(request)
    if detail is not None:
        meter = Meter(done.table, request["TableName"])
        meter.add_write(done.written)
        answer["ConsumedCapacity"] = meter.report(detail)
    if request.get("ReturnItemCollectionMetrics") == "SIZE":
        metrics = await collection_metrics(done.table, item)
        if metrics is not None:
            answer["ItemCollectionMetrics"] = metrics
    return answer if attributes is None else codec.splice(answer, "Attributes", attributes)


async def collection_metrics(table: Table, item: Item) -> dict[str, Any] | None:
    """ItemCollectionMetrics of an item's collection; only tables with a local index have them."""
    if not any(index.local for index in table.indexes):
        return None
    lower = await collection_bytes(table, item) // GIB
    return {
        "ItemCollectionKey": {attribute.name: item[attribute.name] for attribute in table.schema.partition},
        "SizeEstimateRangeGB": [float(lower), float(lower + 1)],
    }


async def collections_metrics(items: Iterable[tuple[Table, Item]]) -> dict[str, list[dict[str, Any]]]:
    """ItemCollectionMetrics by table name, each collection once, of those that have them."""
    found: dict[str, list[dict[str, Any]]] = {}
    seen: set[tuple[int, bytes]] = set()
    for table, item in items:
        collection = (table.space, table.primary.partition(item))
        if collection in seen:
            continue
        seen.add(collection)
        metrics = await collection_metrics(table, item)
        if metrics is not None:
            found.setdefault(table.name, []).append(metrics)
    return found
