"""ListGlobalTables. There are none: AWS makes no more of that version either."""

from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import AccountDemand


async def list_global_tables(context: Context, request: Request) -> Answer:
    await context.admit(AccountDemand("dynamodb:ListGlobalTables"))
    return {"GlobalTables": []}
