"""ListTables."""

from typing import Any

from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import AccountDemand
from statordb.model.limits import LIST_TABLES_MAX


async def list_tables(context: Context, request: Request) -> Answer:
    await context.admit(AccountDemand("dynamodb:ListTables"))
    principal = context.principal
    limit = request.get("Limit") or LIST_TABLES_MAX
    found, more = await context.store.catalog.names(
        principal.account, principal.region, request.get("ExclusiveStartTableName"), limit
    )
    answer: dict[str, Any] = {"TableNames": found}
    if more:
        answer["LastEvaluatedTableName"] = found[-1]
    return answer
