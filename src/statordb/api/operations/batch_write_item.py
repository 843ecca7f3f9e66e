"""BatchWriteItem: each put and each delete by itself, all at once."""

import asyncio
from typing import Any

from statordb.api.answers import wanted
from statordb.api.context import Answer, Context, Request
from statordb.api.keys import check_values
from statordb.api.returns import collections_metrics
from statordb.commands.capacity import Meter
from statordb.commands.keys import locate_item, locate_key
from statordb.engine.contract import Conflict, Key, Refused
from statordb.model import errors
from statordb.model.limits import BATCH_WRITE_REQUESTS_MAX, ITEM_BYTES_MAX
from statordb.model.values import Item, check_item
from statordb.store.image import Image
from statordb.store.table import Apply, Table, Written


async def batch_write_item(context: Context, request: Request) -> Answer:
    puts = _read(request["RequestItems"])
    writes: list[tuple[Table, Key, Apply]] = []
    items: list[tuple[Table, Item]] = []
    names: list[str] = []
    for name, entries in puts.items():
        table = await context.table(name)
        names += [name] * len(entries)
        for item, size in entries:
            key = locate_key(table, item) if size is None else locate_item(table, item)
            writes.append((table, key, _replace(None if size is None else Image.of(item, size))))
            items.append((table, item))
    if len({key for _, key, _ in writes}) != len(writes):
        raise errors.validation("Provided list of item keys contains duplicates")

    done = await asyncio.gather(*(_write(*write) for write in writes))
    unprocessed: dict[str, list[dict[str, Any]]] = {}
    entries_asked = [entry for asked in request["RequestItems"].values() for entry in asked]
    for name, entry, written in zip(names, entries_asked, done, strict=True):
        if written is None:
            unprocessed.setdefault(name, []).append(entry)
    processed = [(*item, written) for item, written in zip(items, done, strict=True) if written is not None]
    return await _answer(request, processed, unprocessed)


async def _write(table: Table, key: Key, apply: Apply) -> Written | None:
    """None if a transaction holds the item, and went on to."""
    try:
        written = await table.write(key, apply)
    except Conflict:
        return None
    assert isinstance(written, Written), "nothing is refused without a condition"
    return written


def _replace(new: Image | None) -> Apply:
    def apply(old: Image | None) -> Image | Refused | None:
        return new

    return apply


def _read(requests: dict[str, list[dict[str, Any]]]) -> dict[str, list[tuple[Item, int | None]]]:
    """Items to put, with their sizes, and keys to delete, with None, by table."""
    if sum(map(len, requests.values())) > BATCH_WRITE_REQUESTS_MAX:
        raise errors.validation("Too many items requested for the BatchWriteItem call")
    read: dict[str, list[tuple[Item, int | None]]] = {}
    for name, entries in requests.items():
        found = read.setdefault(name, [])
        for entry in entries:
            if len(entry) != 1:
                raise errors.validation(
                    "Supplied AttributeValue has more than one datatypes set, "
                    "must contain exactly one of the supported datatypes"
                )
            if "PutRequest" in entry:
                item = entry["PutRequest"]["Item"]
                size = check_item(item)
                if size > ITEM_BYTES_MAX:
                    raise errors.item_too_large()
                found.append((item, size))
            else:
                check_values(entry["DeleteRequest"]["Key"])
                found.append((entry["DeleteRequest"]["Key"], None))
    return read


async def _answer(
    request: Request, processed: list[tuple[Table, Item, Written]], unprocessed: dict[str, list[dict[str, Any]]]
) -> Answer:
    answer: dict[str, Any] = {"UnprocessedItems": unprocessed}
    detail = wanted(request)
    if detail is not None:
        meters: dict[int, Meter] = {}
        for table, _, written in processed:
            meters.setdefault(table.space, Meter(table)).add_write(written)
        answer["ConsumedCapacity"] = [meter.report(detail) for meter in meters.values()]
    if request.get("ReturnItemCollectionMetrics") == "SIZE":
        collections = await collections_metrics([(table, item) for table, item, _ in processed])
        if collections:
            answer["ItemCollectionMetrics"] = collections
    return answer
