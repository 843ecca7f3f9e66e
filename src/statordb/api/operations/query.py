"""Query."""

from collections.abc import Sequence
from typing import Any

import orjson

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request, Usual
from statordb.api.selecting import check_cursor_values, check_select, choice, found_answer, legacy_choice
from statordb.commands.key_conditions import WHOLE, KeyRange, arrange
from statordb.commands.pages import CHUNK_ROWS_MAX
from statordb.commands.perform import perform
from statordb.commands.reading import Range
from statordb.commands.selection import Choice
from statordb.expressions import legacy
from statordb.expressions.bound import KeyCondition
from statordb.expressions.placeholders import Placeholders
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.store import codec
from statordb.store.table import Table
from statordb.store.terms import EXHAUSTED, Page

_EXPRESSIONS = ("ProjectionExpression", "FilterExpression", "KeyConditionExpression")
_LEGACY = ("AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions")


# Members of a query that takes the rows as they are: most checks have nothing to look at then.
_PLAIN = frozenset(
    (
        *("TableName", "IndexName", "KeyConditionExpression", "ExpressionAttributeValues", "ExpressionAttributeNames"),
        *("Limit", "ScanIndexForward", "ConsistentRead"),
    )
)
_USUAL = _PLAIN - {"IndexName"}
_USUAL_LIMIT_MAX = CHUNK_ROWS_MAX
_USUAL_NAME_CHARACTERS_MAX = 255
_COLLECTIONS_MAX = 64  # texts remembered by a table
_NONE: dict[str, Any] = {}
ALL = Choice()
_new = tuple.__new__  # makes a named tuple in half the time of calling its class


def usual_query(context: Context, document: Any, source: object) -> Usual:
    """The short way for queries of the primary key that take the first rows as they are; None for all that needs the
    checks of `query`, which gives the same answers.

    A document that is taken here has the right shape.
    """
    if document.__class__ is not dict or not document.keys() <= _USUAL or not _has_usual_options(document):
        return None
    name, text = document.get("TableName"), document.get("KeyConditionExpression")
    if name.__class__ is not str or text.__class__ is not str:
        return None
    table = context.known_table(name)
    if table is None:
        return None
    key_range = _known_collection(document, table, text) or _key_range(document, table, text)
    if key_range is None:
        return None
    forward, consistent = document.get("ScanIndexForward") is not False, document.get("ConsistentRead") is True
    command = _new(Range, (name, None, (), ALL, document.get("Limit"), forward, consistent, None))
    context.admit(command)
    page = command.texts_here(context.turns, table, key_range)
    if page is not None:
        return _answer(table, page, page.bodies)
    return _first_rows(context.of(source, context.new_budget()), document, command, table, key_range)


def _has_usual_options(document: Request) -> bool:
    member = document.get
    limit = member("Limit", _USUAL_LIMIT_MAX)
    return (
        limit.__class__ is int
        and 1 <= limit <= _USUAL_LIMIT_MAX
        and member("ScanIndexForward", True).__class__ is bool
        and member("ConsistentRead", True).__class__ is bool
    )


def _known_collection(document: Request, table: Table, text: str) -> KeyRange | None:
    """The item collection that a text asks for which was found to ask for a whole one before."""
    reference = table.collections.get(text)
    values = document.get("ExpressionAttributeValues")
    if reference is None or values.__class__ is not dict or len(values) != 1 or "ExpressionAttributeNames" in document:
        return None
    partition = table.primary.usual_partition(values.get(reference))
    return None if partition is None else _new(KeyRange, (partition, WHOLE, False))


def _key_range(document: Request, table: Table, text: str) -> KeyRange | None:
    if not _has_usual_placeholders(document):
        return None
    try:
        bound = conditions.placeholders(document)
        asked = bound.key_condition(text)
        bound.finish()
        key_range = arrange(table.primary, asked.conditions)
    except ClientError:
        return None
    reference = asked.equal_to
    if reference is not None and "ExpressionAttributeNames" not in document:
        if len(table.collections) < _COLLECTIONS_MAX:
            table.collections[text] = reference
    return key_range


def _has_usual_placeholders(document: Request) -> bool:
    names, values = document.get("ExpressionAttributeNames", _NONE), document.get("ExpressionAttributeValues", _NONE)
    if names.__class__ is not dict or values.__class__ is not dict:
        return False
    for name, meant in names.items():
        if meant.__class__ is not str or len(name) + len(meant) > _USUAL_NAME_CHARACTERS_MAX:
            return False
    for value in values.values():
        if value.__class__ is not dict or len(value) != 1:
            return False
        for tag, content in value.items():
            if tag not in ("S", "N") or content.__class__ is not str:
                return False
    return True


async def _first_rows(context: Context, request: Request, command: Range, table: Table, key_range: KeyRange) -> Answer:
    page = await command.first(context, table, key_range)
    if command.is_all(page):
        return _answer(table, page, list(map(codec.text, page.bodies)))
    return await found_answer(request, await command.rest(context, table, key_range, page), context.turn())


def _answer(table: Table, page: Page, texts: Sequence[bytes]) -> bytes:
    """The response of a page that is all, whose rows have these texts."""
    last = b""
    if page.stop is not EXHAUSTED and table.schema.sort:  # else there is no row behind the first
        cursor = table.primary.usual_cursor(page.last) or table.key_of(orjson.loads(texts[-1]))
        last = b',"LastEvaluatedKey":' + orjson.dumps(cursor)
    count = len(texts)
    return b'{"Items":[%b],"Count":%d,"ScannedCount":%d%b}' % (b",".join(texts), count, count, last)


async def query(context: Context, request: Request) -> Answer:
    try:
        command = _asked(context, request)
    except ClientError as fault:
        raise errors.of_detection(fault) from None
    return await found_answer(request, await perform(context, command), context.turn())


def _key_condition(request: Request, bound: Placeholders) -> KeyCondition:
    if request.get("KeyConditions") is None and request.get("KeyConditionExpression") is None:
        raise errors.validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    return conditions.key_condition(request, bound)


def _asked(context: Context, request: Request) -> Range:
    """What a request asks for. Raises ValidationException for all that needs no table to be seen."""
    chosen = ALL
    if request.keys() <= _PLAIN and "KeyConditionExpression" in request:
        bound = conditions.placeholders(request, context.budget)
        asked = bound.key_condition(request["KeyConditionExpression"])
        bound.finish()
    else:
        legacy.reject_mixed(request, _EXPRESSIONS, _LEGACY)
        bound = conditions.placeholders(request, context.budget)
        if request.keys().isdisjoint(_EXPRESSIONS):
            chosen = legacy_choice(request, bound, "QueryFilter")
            asked = _key_condition(request, bound)
        else:
            check_cursor_values(request)
            asked = _key_condition(request, bound)
            chosen = choice(request, bound, "QueryFilter")
        bound.finish()
        check_select(request)
    return Range(
        request["TableName"],
        request.get("IndexName"),
        asked.conditions,
        chosen,
        request.get("Limit"),
        request.get("ScanIndexForward") is not False,
        request.get("ConsistentRead") is True,
        request.get("ExclusiveStartKey"),
    )
