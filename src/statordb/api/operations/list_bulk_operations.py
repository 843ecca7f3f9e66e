"""ListBulkOperations: the last ones first."""

from typing import Any

from statordb.api import bulk, jobs
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import AccountDemand
from statordb.model.limits import LIST_JOBS_MAX

_SORT = "bulk-operations"


async def list_bulk_operations(context: Context, request: Request) -> Answer:
    await context.admit(AccountDemand("dynamodb:ListBulkOperations"))
    behind = jobs.behind(context, request.get("NextToken"), _SORT)
    found = context.store.bulk_operations.of(*jobs.scope(context), behind)
    most = request.get("MaxResults") or LIST_JOBS_MAX
    shown, token = await jobs.page(context, found, most, lambda record: True, _SORT)
    answer: dict[str, Any] = {"BulkOperationsSummaryList": [bulk.summary(record) for record in shown]}
    if token is not None:
        answer["NextToken"] = token
    return answer
