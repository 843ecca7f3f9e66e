"""Query."""

from collections.abc import Awaitable, Coroutine
from typing import Any

import orjson

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request
from statordb.api.key_conditions import WHOLE, KeyRange, arrange
from statordb.api.selection import Selection, check_cursor_values, check_select, cursor_position, cut, find_path
from statordb.engine.contract import Budget, Page, Place, Stop
from statordb.expressions import legacy
from statordb.expressions.bound import Condition
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.store import codec
from statordb.store.access import AccessPath
from statordb.store.reading import CHUNK_BYTES_MAX, CHUNK_ROWS_MAX, read_slice
from statordb.store.table import Table

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
_new = tuple.__new__  # makes a named tuple in half the time of calling its class


def usual_query(context: Context, document: Any) -> Coroutine[Any, Any, Answer] | None:
    """The short way for queries of the primary key that take the first rows as they are; None for all that needs the
    checks of `query`, which gives the same answers.

    A document that is taken here has the right shape.
    """
    if document.__class__ is not dict or not document.keys() <= _USUAL or not _has_usual_options(document):
        return None
    name, text = document.get("TableName"), document.get("KeyConditionExpression")
    if name.__class__ is not str or text.__class__ is not str:
        return None
    principal = context.principal
    table = context.store.catalog.cached(principal.account, principal.region, name)
    if table is None or not table.settled:
        return None
    key_range = _known_collection(document, table, text) or _key_range(document, table, text)
    return None if key_range is None else _first_rows(context, document, table, key_range)


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


async def _first_rows(context: Context, request: Request, table: Table, key_range: KeyRange) -> Answer:
    limit = request.get("Limit")
    budget = Budget(limit or _USUAL_LIMIT_MAX, CHUNK_BYTES_MAX)
    forward, consistent = request.get("ScanIndexForward") is not False, request.get("ConsistentRead") is True
    path = table.primary
    page = await table.range(
        path, key_range.partition, key_range.bounds, forward, budget, None, consistent, codec.HEADER_BYTES
    )
    texts = page.bodies
    if page.stop is Stop.EXHAUSTED:
        last = b""
    elif page.stop is Stop.ROWS and limit is not None:
        item = orjson.loads(texts[-1])
        last = b',"LastEvaluatedKey":' + orjson.dumps({name: item[name] for name in path.cursor_names})
    else:  # more than is read at once
        return await query(context, request)
    counts = b'],"Count":%d,"ScannedCount":%d' % (len(texts), len(texts))
    return b"".join((b'{"Items":[', b",".join(texts), counts, last, b"}"))


async def query(context: Context, request: Request) -> Answer:
    condition = projection = None
    if request.keys() <= _PLAIN and "KeyConditionExpression" in request:
        bound = conditions.placeholders(request)
        asked = bound.key_condition(request["KeyConditionExpression"])
        bound.finish()
        key_conditions = asked.conditions
    else:
        legacy.reject_mixed(request, _EXPRESSIONS, _LEGACY)
        check_cursor_values(request)
        if request.get("KeyConditions") is None and request.get("KeyConditionExpression") is None:
            raise errors.validation(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
            )
        bound = conditions.placeholders(request)
        asked = conditions.key_condition(request, bound)
        condition, projection = cut(request, bound, "QueryFilter")
        bound.finish()
        key_conditions = asked.conditions
        check_select(request)

    table = context.known_table(request["TableName"]) or await context.table(request["TableName"])
    path = find_path(table, request, "querying")
    key_range = arrange(path, key_conditions)
    after = _position(table, path, request, key_range)
    _refuse_key_filter(path, condition, request)
    selection = Selection(table, path, request, condition, projection)

    forward = request.get("ScanIndexForward") is not False
    consistent = request.get("ConsistentRead") is True

    def fetch(after: Place | None, budget: Budget) -> Awaitable[Page]:
        last = None if after is None else after[1]
        return table.range(path, key_range.partition, key_range.bounds, forward, budget, last, consistent)

    return await selection.answer(await read_slice(fetch, after, request.get("Limit")))


def _position(table: Table, path: AccessPath, request: Request, key_range: KeyRange) -> Place | None:
    cursor = request.get("ExclusiveStartKey")
    if not cursor:
        return None
    position = cursor_position(table, path, cursor)
    if path.name is None and not path.schema.sort:
        shown = ", ".join(
            f"{name}=AttributeValue: {{{tag}:{text}}}" for name, v in cursor.items() for tag, text in v.items()
        )
        raise errors.validation(f"The provided exclusive start key is invalid: ExclusiveStartKey: {{{shown}}}")
    if position[0] != key_range.partition:
        raise errors.validation(
            "The query can return at most one row and cannot be restarted"
            if key_range.single
            else "The provided starting key is outside query boundaries based on provided conditions"
        )
    lower, upper = key_range.bounds
    if position[1] < lower or (upper is not None and position[1] >= upper):
        raise errors.validation("The provided starting key does not match the range key predicate")
    return position


def _refuse_key_filter(path: AccessPath, condition: Condition | None, request: Request) -> None:
    if condition is None:
        return
    for name in path.schema.names:
        if name in condition.attributes:
            kind = "Filter Expression" if request.get("FilterExpression") is not None else "QueryFilter"
            raise errors.validation(
                f"{kind} can only contain non-primary key attributes: Primary key attribute: {name}"
            )
