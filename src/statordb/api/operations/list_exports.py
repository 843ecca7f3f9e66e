"""ListExports: the last ones first. Those of a table are listed as long as it is there: not when it is gone, nor those
of another one that had its name (aws-controllers-k8s, API quirks of October 2026, EXPORT-017 and -020)."""

from typing import Any

from statordb.api import exports, jobs
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import AccountDemand
from statordb.model.limits import LIST_EXPORTS_MAX
from statordb.store.jobs.records import ExportRecord

_SORT = "exports"


async def list_exports(context: Context, request: Request) -> Answer:
    await context.admit(AccountDemand("dynamodb:ListExports"))
    account, region = jobs.scope(context)
    name = jobs.table_named(context, request.get("TableArn"))
    behind = jobs.behind(context, request.get("NextToken"), _SORT)
    wanted_id = None
    if name is not None:
        table = await context.store.catalog.reload(account, region, name)
        if table is None:
            return {"ExportSummaries": []}
        wanted_id = table.record.id

    def is_wanted(record: ExportRecord) -> bool:
        return wanted_id is None or record.table_id == wanted_id

    found = context.store.exports.of(account, region, behind)
    shown, token = await jobs.page(context, found, request.get("MaxResults") or LIST_EXPORTS_MAX, is_wanted, _SORT)
    answer: dict[str, Any] = {"ExportSummaries": [exports.summary(record) for record in shown]}
    if token is not None:
        answer["NextToken"] = token
    return answer
