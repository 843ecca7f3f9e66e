"""ListImports. There are none."""

from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import AccountDemand


async def list_imports(context: Context, request: Request) -> Answer:
    await context.admit(AccountDemand("dynamodb:ListImports"))
    return {"ImportSummaryList": []}
