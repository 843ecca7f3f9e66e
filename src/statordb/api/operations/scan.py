"""Scan."""

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request
from statordb.api.selecting import check_cursor_values, check_select, choice, found_answer, legacy_choice
from statordb.commands.perform import perform
from statordb.commands.reading import Scan
from statordb.expressions import legacy
from statordb.model import errors

_EXPRESSIONS = ("ProjectionExpression", "FilterExpression")
_LEGACY = ("AttributesToGet", "ScanFilter", "ConditionalOperator")


async def scan(context: Context, request: Request) -> Answer:
    legacy.reject_mixed(request, _EXPRESSIONS, _LEGACY)
    if request.keys().isdisjoint(_EXPRESSIONS):
        bound = conditions.placeholders(request, context.budget)
        chosen = legacy_choice(request, bound, "ScanFilter")
        segment, total = _segment(request)
    else:
        check_cursor_values(request)
        segment, total = _segment(request)
        bound = conditions.placeholders(request, context.budget)
        chosen = choice(request, bound, "ScanFilter")
    bound.finish()
    check_select(request)
    command = Scan(
        request["TableName"],
        request.get("IndexName"),
        chosen,
        request.get("Limit"),
        request.get("ConsistentRead") is True,
        request.get("ExclusiveStartKey"),
        segment,
        total,
    )
    return await found_answer(request, await perform(context, command), context.turn())


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
