"""ListBackups. There are none."""

from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import AccountDemand


async def list_backups(context: Context, request: Request) -> Answer:
    context.admit(AccountDemand("dynamodb:ListBackups"))
    return {"BackupSummaries": []}
