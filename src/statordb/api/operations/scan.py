"""Scan."""

from collections.abc import Awaitable

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request
from statordb.api.selection import Selection, check_cursor_values, check_select, cursor_position, cut, find_path
from statordb.engine.contract import Budget, Page, Place
from statordb.expressions import legacy
from statordb.model import errors
from statordb.store.reading import read_slice

_EXPRESSIONS = ("ProjectionExpression", "FilterExpression")
_LEGACY = ("AttributesToGet", "ScanFilter", "ConditionalOperator")


async def scan(context: Context, request: Request) -> Answer:
    legacy.reject_mixed(request, _EXPRESSIONS, _LEGACY)
    check_cursor_values(request)
    segment, total = _segment(request)
    bound = conditions.placeholders(request)
    condition, projection = cut(request, bound, "ScanFilter")
    bound.finish()
    check_select(request)

    table = await context.table(request["TableName"])
    path = find_path(table, request, "scanning")
    selection = Selection(table, path, request, condition, projection)
    cursor = request.get("ExclusiveStartKey")
    start = cursor_position(table, path, cursor) if cursor else None
    if start is not None and table.segment_of(start[0], total) != segment:
        raise errors.validation(
            "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with "
            f"correct Segment. TotalSegments: {total} Segment: {segment}"
        )
    consistent = request.get("ConsistentRead") is True

    def fetch(after: Place | None, budget: Budget) -> Awaitable[Page]:
        return table.scan(path, segment, total, budget, after, consistent)

    return await selection.answer(await read_slice(fetch, start, request.get("Limit")))


def _segment(request: Request) -> tuple[int, int]:
    """Segment and TotalSegments, checked against each other."""
    segment, total = request.get("Segment"), request.get("TotalSegments")
    if segment is not None and total is None:
        raise errors.validation(
            "The TotalSegments parameter is required but was not present in the request "
            "when Segment parameter is present"
        )
    if segment is None and total is not None:
        raise errors.validation(
            "The Segment parameter is required but was not present in the request "
            "when parameter TotalSegments is present"
        )
    if segment is None or total is None:
        return 0, 1
    if segment >= total:
        raise errors.validation(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {total}"
        )
    return segment, total
