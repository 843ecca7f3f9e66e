"""DescribeLimits."""

from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import AccountDemand
from statordb.model import limits


async def describe_limits(context: Context, request: Request) -> Answer:
    await context.admit(AccountDemand("dynamodb:DescribeLimits"))
    return {
        "AccountMaxReadCapacityUnits": limits.ACCOUNT_READ_CAPACITY_MAX,
        "AccountMaxWriteCapacityUnits": limits.ACCOUNT_WRITE_CAPACITY_MAX,
        "TableMaxReadCapacityUnits": limits.TABLE_READ_CAPACITY_MAX,
        "TableMaxWriteCapacityUnits": limits.TABLE_WRITE_CAPACITY_MAX,
    }
