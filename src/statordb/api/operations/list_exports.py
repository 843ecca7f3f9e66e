"""ListExports. There are none."""

from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import AccountDemand


async def list_exports(context: Context, request: Request) -> Answer:
    await context.admit(AccountDemand("dynamodb:ListExports"))
    return {"ExportSummaries": []}
