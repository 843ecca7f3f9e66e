"""ListImports: the last ones first, also those that are under way or failed (aws-controllers-k8s, API quirks of October
2026, IMPORT-016)."""

from typing import Any

from statordb.api import imports, jobs
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import AccountDemand
from statordb.model.limits import LIST_JOBS_MAX

_SORT = "imports"


async def list_imports(context: Context, request: Request) -> Answer:
    await context.admit(AccountDemand("dynamodb:ListImports"))
    table = jobs.table_named(context, request.get("TableArn"))
    found = context.store.imports.of(*jobs.scope(context), jobs.behind(context, request.get("NextToken"), _SORT))
    most = request.get("PageSize") or LIST_JOBS_MAX
    shown, token = await jobs.page(context, found, most, lambda record: table in (None, record.table), _SORT)
    answer: dict[str, Any] = {"ImportSummaryList": [imports.summary(record) for record in shown]}
    if token is not None:
        answer["NextToken"] = token
    return answer
