"""ListBackups. There are none."""

from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import AccountDemand
from statordb.model import errors


async def list_backups(context: Context, request: Request) -> Answer:
    await context.admit(AccountDemand("dynamodb:ListBackups"))
    lower, upper = request.get("TimeRangeLowerBound"), request.get("TimeRangeUpperBound")
    if lower is not None and upper is not None and lower > upper:
        raise errors.invalid_parameters("Time range lower bound must be less than or equal to upper bound")
    return {"BackupSummaries": []}
