"""What the requests of Query and Scan have in common, and their answers."""

from typing import Any

from statordb.api import conditions
from statordb.api.answers import listed, spliced, wanted
from statordb.api.context import Answer, Request
from statordb.commands.capacity import Meter
from statordb.commands.reading import Found
from statordb.commands.selection import Choice
from statordb.commands.turns import Turn
from statordb.expressions.placeholders import Placeholders
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.values import check

# Texts that DynamoDB does not put behind "The provided starting key is invalid: ".
_BARE_FAULTS = ("contains duplicates", "number set", "numeric value", "significant digits", "number with magnitude")


def check_select(request: Request) -> None:
    """Raise ValidationException if Select contradicts the projection or the index."""
    select = request.get("Select")
    if select is None:
        return
    given = next((name for name in ("AttributesToGet", "ProjectionExpression") if request.get(name) is not None), None)
    if select == "ALL_PROJECTED_ATTRIBUTES" and request.get("IndexName") is None:
        raise errors.validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    if select == "SPECIFIC_ATTRIBUTES":
        if given is None:
            raise errors.validation(
                "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
            )
    elif given is not None:
        chosen = "only the Count" if select == "COUNT" else select
        raise errors.validation(f"Cannot specify the {given} when choosing to get {chosen}")


def check_cursor_values(request: Request) -> None:
    """Validate and normalise the values of ExclusiveStartKey."""
    for value in (request.get("ExclusiveStartKey") or {}).values():
        try:
            check(value)
        except ClientError as fault:
            text = fault.message or ""
            if any(bare in text for bare in _BARE_FAULTS):
                raise
            raise errors.validation("The provided starting key is invalid: " + text) from None


def choice(request: Request, bound: Placeholders, legacy_filter: str) -> Choice:
    """Filter, projection and Select of a request; `legacy_filter` is QueryFilter or ScanFilter."""
    return Choice(
        conditions.row_filter(request, bound, legacy_filter),
        conditions.projection(request, bound),
        request.get("Select"),
        request.get("FilterExpression") is None,
    )


def legacy_choice(request: Request, bound: Placeholders, legacy_filter: str) -> Choice:
    """The same of a request without expressions, in AWS's order: the filter's values and operators, those of the start
    key, the names that are wanted (dynalite, recorded against AWS)."""
    condition = conditions.row_filter(request, bound, legacy_filter)
    check_cursor_values(request)
    return Choice(condition, conditions.projection(request, bound), request.get("Select"), True)


async def found_answer(request: Request, found: Found, turn: Turn) -> Answer:
    """The response of Query or Scan."""
    rows = found.rows
    tap = found.table.tap
    (tap.queried if "KeyConditionExpression" in request or "KeyConditions" in request else tap.scanned)[rows.count] += 1
    answer: dict[str, Any] = {"Count": rows.count, "ScannedCount": rows.scanned}
    if found.cursor is not None:
        answer["LastEvaluatedKey"] = found.cursor
    detail = wanted(request)
    if detail is not None:
        meter = Meter(found.table, request["TableName"])
        meter.add(*found.units())
        answer["ConsumedCapacity"] = meter.report(detail)
    if request.get("Select") == "COUNT":
        return answer
    return await spliced([b'{"Items":[', *listed(rows.texts)], b"]", answer, turn)
