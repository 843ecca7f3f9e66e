"""TransactWriteItems."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request
from statordb.api.returns import collections_metrics
from statordb.api.transactions import token_of, write_capacity
from statordb.commands.perform import perform
from statordb.commands.transacting import Part, Transacted, TransactWrite
from statordb.commands.writing import Check, Delete, Put, Update
from statordb.model import errors
from statordb.model.limits import FURTHER_NESTING_MAX, ITEM_BYTES_MAX, TRANSACT_BYTES_MAX
from statordb.model.values import Item, check_item
from statordb.model.values import item_size as size_of_item


class AskedPart(NamedTuple):
    """One entry of TransactItems. `item`: what is put, or the primary key; `size`: its bytes of the payload."""

    part: Part
    item: Item
    size: int


async def transact_write_items(context: Context, request: Request) -> Answer:
    entries = [_read(context, entry) for entry in request["TransactItems"]]
    payload = sum(entry.size for entry in entries)
    if payload > TRANSACT_BYTES_MAX:
        raise errors.validation(f"Transaction payload size cannot exceed 4MB. Payload Size: {payload}")
    done = await perform(context, TransactWrite([entry.part for entry in entries], token_of(request, "TransactItems")))
    return await _answer(request, entries, done)


def _read(context: Context, entry: dict[str, Any]) -> AskedPart:
    """Read one entry of TransactItems; raises ValidationException for what DynamoDB refuses as a whole."""
    if not entry:
        raise errors.invalid_request("TransactWriteRequest should contain Delete or Put or Update request")
    if len(entry) > 1:
        raise errors.validation("TransactItems can only contain one of Check, Put, Update or Delete")
    kind = next(iter(entry))
    request = entry[kind]
    item = request["Item"] if kind == "Put" else request["Key"]
    item_size = check_item(item)
    if kind == "Put" and item_size > ITEM_BYTES_MAX:
        raise errors.item_too_large()
    # Nothing is said of values that are only compared with, and an update that nests too deeply cancels (measured on
    # AWS in September 2026).
    bound = conditions.placeholders(request, context.budget, FURTHER_NESTING_MAX)
    update = conditions.update(request, bound) if kind == "Update" else None
    condition = conditions.condition(request, bound)
    if update is not None or condition is not None:  # AWS does not look at names and values beside no expression
        bound.finish()
    table = request["TableName"]
    write: Put | Update | Delete | Check
    if kind == "Put":
        write = Put(table, item, item_size, condition)
    elif kind == "Update":
        write = Update(table, item, update, condition)
    elif kind == "Delete":
        write = Delete(table, item, condition)
    else:
        write = Check(table, item, condition)
    shows = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    size = item_size + size_of_item(request.get("ExpressionAttributeValues") or {})
    return AskedPart(Part(write, shows), item, size)


async def _answer(request: Request, entries: Sequence[AskedPart], done: Transacted) -> Answer:
    answer = write_capacity(request, [entry.part.write.table for entry in entries], done)
    if request.get("ReturnItemCollectionMetrics") == "SIZE":
        items = zip(done.tables, (entry.item for entry in entries), strict=True)
        collections = await collections_metrics(items)
        if collections:
            answer["ItemCollectionMetrics"] = collections
    return answer
