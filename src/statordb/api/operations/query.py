"""Query."""

from collections.abc import Awaitable

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request
from statordb.api.key_conditions import KeyRange, arrange
from statordb.api.selection import Selection, check_cursor_values, check_select, cursor_position, cut, find_path
from statordb.engine.contract import Budget, Page, Place
from statordb.expressions import legacy
from statordb.expressions.bound import Condition
from statordb.model import errors
from statordb.store.access import AccessPath
from statordb.store.reading import read_slice
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
