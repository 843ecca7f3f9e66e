"""TransactWriteItems."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from statordb.api import conditions
from statordb.api.answers import wanted
from statordb.api.context import Answer, Context, Request
from statordb.api.keys import check_values
from statordb.api.returns import collections_metrics
from statordb.commands.capacity import TRANSACTION_FACTOR, Meter, read_units
from statordb.commands.changes import meets, refuse_key_updates, updater
from statordb.commands.keys import locate_item, locate_key
from statordb.engine.contract import Key, Refused
from statordb.expressions.bound import Condition, Update
from statordb.model import errors
from statordb.model.budget import Budget
from statordb.model.errors import ClientError
from statordb.model.limits import EXPRESSION_PLACEHOLDERS_BYTES_MAX, ITEM_BYTES_MAX, TRANSACT_BYTES_MAX
from statordb.model.values import Item, check_item
from statordb.store import transactions
from statordb.store.image import Image
from statordb.store.table import Apply, Table, Written
from statordb.store.transactions import SUCCEEDED, Action, InProgress, Replayed, Token, TokenReused

_KINDS = ("ConditionCheck", "Put", "Delete", "Update")


class Part(NamedTuple):
    """One action as it was asked for, its expressions read. `item_size` and `size`, its share of the payload, are in
    bytes."""

    kind: str
    request: Request
    item: Item
    item_size: int
    size: int
    condition: Condition | None
    update: Update | None


async def transact_write_items(context: Context, request: Request) -> Answer:
    parts = [_read(context, entry) for entry in request["TransactItems"]]
    payload = sum(part.size for part in parts)
    if payload > TRANSACT_BYTES_MAX:
        raise errors.validation(f"Transaction payload size cannot exceed 4MB. Payload Size: {payload}")
    tables = {name: await context.table(name) for name in dict.fromkeys(part.request["TableName"] for part in parts)}
    actions = _actions(parts, tables, context.budget)
    outcome = await transactions.write(context.store.engine, actions, _token(context, request))
    if isinstance(outcome, Refused):
        if isinstance(outcome.reason, TokenReused):
            raise errors.idempotent_parameter_mismatch()
        if isinstance(outcome.reason, InProgress):
            raise errors.transaction_in_progress()
        raise errors.transaction_canceled(outcome.reason)
    return await _answer(request, parts, [action.table for action in actions], outcome)


def _read(context: Context, entry: dict[str, Any]) -> Part:
    """Read one entry of TransactItems; raises ValidationException for what DynamoDB refuses as a whole."""
    if not entry:
        raise errors.validation("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
    if len(entry) > 1:
        raise errors.validation("TransactItems can only contain one of Check, Put, Update or Delete")
    kind = next(iter(entry))
    request = entry[kind]
    item = request["Item"] if kind == "Put" else request["Key"]
    item_size = check_item(item)
    if kind == "Put" and item_size > ITEM_BYTES_MAX:
        raise errors.item_too_large()
    bound = conditions.placeholders(request, context.budget)
    update = conditions.update(request, bound) if kind == "Update" else None
    condition = conditions.condition(request, bound)
    bound.finish()
    size = item_size + check_item(request.get("ExpressionAttributeValues") or {}, EXPRESSION_PLACEHOLDERS_BYTES_MAX)
    return Part(kind, request, item, item_size, size, condition, update)


def _actions(parts: Sequence[Part], tables: dict[str, Table], budget: Budget) -> list[Action]:
    """Actions on storage keys. The first item that does not fit its table cancels the transaction."""
    actions: list[Action] = []
    seen: set[Key] = set()
    for position, part in enumerate(parts):
        table = tables[part.request["TableName"]]
        try:
            if part.kind == "Put":
                key = locate_item(table, part.item)
            else:
                check_values(part.item)
                key = locate_key(table, part.item)
                refuse_key_updates(table, part.update)
        except ClientError as fault:
            reasons: list[dict[str, Any]] = [SUCCEEDED] * len(parts)
            reasons[position] = {"Code": "ValidationError", "Message": fault.message}
            raise errors.transaction_canceled(reasons) from None
        if key in seen:
            raise errors.validation("Transaction request cannot include multiple operations on one item")
        seen.add(key)
        actions.append(
            Action(table, key, _with_reasons(part, _apply(table, part, budget)), part.kind == "ConditionCheck")
        )
    return actions


def _apply(table: Table, part: Part, budget: Budget) -> Apply:
    condition = part.condition
    if part.kind == "Update":
        return updater(table, part.item, part.update, condition, budget)
    new = Image.of(part.item, part.item_size)

    def apply(old: Image | None) -> Image | Refused | None:
        if not meets(table, condition, old, budget):
            return Refused(old)
        if part.kind == "Put":
            return new
        return old if part.kind == "ConditionCheck" else None

    return apply


def _with_reasons(part: Part, apply: Apply) -> Apply:
    """An action's function, its refusals and faults made cancellation reasons."""

    def reasoned(old: Image | None) -> Image | Refused | None:
        try:
            new = apply(old)
        except ClientError as fault:
            return Refused({"Code": "ValidationError", "Message": fault.message})
        if not isinstance(new, Refused):
            return new
        reason: dict[str, Any] = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
        if old is not None and part.request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
            reason["Item"] = old.item
        return Refused(reason)

    return reasoned


def _token(context: Context, request: Request) -> Token | None:
    token = request.get("ClientRequestToken")
    if token is None:
        return None
    digest = blake2b(orjson.dumps(request["TransactItems"], option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
    principal = context.principal
    return Token.of(principal.account, principal.region, token, digest, context.now())


async def _answer(
    request: Request, parts: Sequence[Part], tables: Sequence[Table], outcome: list[Written] | Replayed
) -> Answer:
    answer: dict[str, Any] = {}
    detail = wanted(request)
    if detail is not None:
        meters: dict[int, Meter] = {}
        for position, table in enumerate(tables):
            meter = meters.setdefault(table.space, Meter(table))
            if isinstance(outcome, Replayed):
                meter.add(read_units(outcome.sizes[position], True), factor=TRANSACTION_FACTOR)
            else:
                meter.add_write(outcome[position], TRANSACTION_FACTOR)
        side = "Read" if isinstance(outcome, Replayed) else "Write"
        answer["ConsumedCapacity"] = [meter.report(detail, side) for meter in meters.values()]
    if request.get("ReturnItemCollectionMetrics") == "SIZE":
        collections = await collections_metrics(((table, part.item) for part, table in zip(parts, tables, strict=True)))
        if collections:
            answer["ItemCollectionMetrics"] = collections
    return answer
