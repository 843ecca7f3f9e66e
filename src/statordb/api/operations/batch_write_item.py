"""BatchWriteItem: each put and each delete by itself, all at once."""

from collections.abc import Sequence
from typing import Any

from statordb.api.answers import wanted
from statordb.api.context import Answer, Context, Request, Usual
from statordb.api.keys import check_values
from statordb.api.returns import collections_metrics
from statordb.commands.batching import BatchWrite
from statordb.commands.capacity import Meter
from statordb.commands.perform import perform
from statordb.commands.writing import Delete, Done, Put
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.limits import BATCH_WRITE_REQUESTS_MAX, ITEM_BYTES_MAX
from statordb.model.usual import usual_size
from statordb.model.values import Item, check_item

ALL_WRITTEN = b'{"UnprocessedItems":{}}'


def usual_batch_write_item(context: Context, document: Any, source: object) -> Usual:
    """The short way for a batch of nothing but puts of items of the usual form and deletes, to tables that are known;
    None for all that needs the checks of `batch_write_item`, which does the same."""
    if document.__class__ is not dict or len(document) != 1:
        return None
    asked = document.get("RequestItems")
    if asked.__class__ is not dict or not asked:
        return None
    writes: list[Put | Delete] = []
    try:
        for name, entries in asked.items():
            if entries.__class__ is not list or not entries or context.known_table(name) is None:
                return None
            for entry in entries:
                write = _usual_write(name, entry)
                if write is None:
                    return None
                writes.append(write)
    except ClientError:
        return None
    if len(writes) > BATCH_WRITE_REQUESTS_MAX:
        return None
    return _write(context.of(source, context.new_budget(), document), document, writes)


def _usual_write(table: str, entry: Any) -> Put | Delete | None:
    """May raise ValidationException for what is no number."""
    if entry.__class__ is not dict or len(entry) != 1:
        return None
    put: Any = entry.get("PutRequest")
    delete: Any = entry.get("DeleteRequest")
    if put.__class__ is dict and len(put) == 1:
        item: Any = put.get("Item")
        size = usual_size(item)
        return Put(table, item, size, None) if 0 <= size <= ITEM_BYTES_MAX else None
    if delete.__class__ is dict and len(delete) == 1:
        key: Any = delete.get("Key")
        return Delete(table, key, None) if usual_size(key) >= 0 else None
    return None


async def batch_write_item(context: Context, request: Request) -> Answer:
    asked: dict[str, list[Request]] = request["RequestItems"]
    if sum(map(len, asked.values())) > BATCH_WRITE_REQUESTS_MAX:
        raise errors.validation("Too many items requested for the BatchWriteItem call")
    writes = [_read(name, entry) for name, entries in asked.items() for entry in entries]
    return await _write(context, request, writes)


async def _write(context: Context, request: Request, writes: Sequence[Put | Delete]) -> Answer:
    """`writes`: those of the request, in its order."""
    outcomes = await perform(context, BatchWrite(writes))
    if len(request) == 1 and None not in outcomes:
        return ALL_WRITTEN
    entries = [(name, entry) for name, entries in request["RequestItems"].items() for entry in entries]
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
