"""BatchWriteItem: each put and each delete by itself, all at once."""

from collections.abc import Sequence
from typing import Any

from statordb.api.answers import wanted
from statordb.api.context import Answer, Context, Request
from statordb.api.keys import check_values
from statordb.api.returns import collections_metrics
from statordb.commands.batching import BatchWrite
from statordb.commands.capacity import Meter
from statordb.commands.perform import perform
from statordb.commands.writing import Delete, Done, Put
from statordb.model import errors
from statordb.model.limits import BATCH_WRITE_REQUESTS_MAX, ITEM_BYTES_MAX
from statordb.model.values import Item, check_item


async def batch_write_item(context: Context, request: Request) -> Answer:
    asked: dict[str, list[Request]] = request["RequestItems"]
    if sum(map(len, asked.values())) > BATCH_WRITE_REQUESTS_MAX:
        raise errors.validation("Too many items requested for the BatchWriteItem call")
    entries = [(name, entry) for name, entries in asked.items() for entry in entries]
    writes = [_read(name, entry) for name, entry in entries]
    outcomes = await perform(context, BatchWrite(writes))
    unprocessed: dict[str, list[Request]] = {}
    for (name, entry), outcome in zip(entries, outcomes, strict=True):
        if outcome is None:
            unprocessed.setdefault(name, []).append(entry)
    done = [
        (outcome, write.item if isinstance(write, Put) else write.key, write.table)
        for write, outcome in zip(writes, outcomes, strict=True)
        if outcome is not None
    ]
    return await _answer(request, done, unprocessed)


def _read(table: str, entry: Request) -> Put | Delete:
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
        return Put(table, item, size, None)
    key = entry["DeleteRequest"]["Key"]
    check_values(key)
    return Delete(table, key, None)


async def _answer(
    request: Request, done: Sequence[tuple[Done, Item, str]], unprocessed: dict[str, list[Request]]
) -> Answer:
    answer: dict[str, Any] = {"UnprocessedItems": unprocessed}
    detail = wanted(request)
    if detail is not None:
        meters: dict[int, Meter] = {}
        for (table, written), _, name in done:
            meters.setdefault(table.space, Meter(table, name)).add_write(written)
        answer["ConsumedCapacity"] = [meter.report(detail) for meter in meters.values()]
    if request.get("ReturnItemCollectionMetrics") == "SIZE":
        answer["ItemCollectionMetrics"] = await collections_metrics([(table, item) for (table, _), item, _ in done])
    return answer
