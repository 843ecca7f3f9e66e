"""ListBackups: in order of time; of tables that are gone too."""

import asyncio
from typing import Any

from statordb.api import backups
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import AccountDemand
from statordb.model import errors
from statordb.model.limits import LIST_BACKUPS_MAX
from statordb.store.backups.records import USER, BackupRecord

ALL = "ALL"
_LOOKED_AT_ONCE = 50  # before others have their turn


async def list_backups(context: Context, request: Request) -> Answer:
    await context.admit(AccountDemand("dynamodb:ListBackups"))
    lower, upper = request.get("TimeRangeLowerBound"), request.get("TimeRangeUpperBound")
    if lower is not None and upper is not None and lower > upper:
        raise errors.invalid_parameters("Time range lower bound must be less than or equal to upper bound")
    principal = context.principal
    account, region = context.gate.place(principal, principal.account, principal.region)
    table = None if request.get("TableName") is None else context.named(request["TableName"])
    if table is not None and table[0] != account:
        raise errors.access_denied("Access is denied")
    limit, after = request.get("Limit") or LIST_BACKUPS_MAX, None
    if request.get("ExclusiveStartBackupArn") is not None:
        cursor = backups.parse(context, request["ExclusiveStartBackupArn"])
        if cursor.region != region:
            raise errors.validation("ExclusiveStartBackupArn does not match the region")
        after = cursor.id
    found: list[BackupRecord] = []
    looked = 0
    async for record in context.store.backups.of(account, region, after):
        if _is_wanted(context, request, None if table is None else table[2], record):
            if len(found) == limit:
                return {"BackupSummaries": _told(found), "LastEvaluatedBackupArn": found[-1].arn}
            found.append(record)
        looked += 1
        if looked % _LOOKED_AT_ONCE == 0:
            await asyncio.sleep(0)
    return {"BackupSummaries": _told(found)}


def _told(found: list[BackupRecord]) -> list[dict[str, Any]]:
    return [backups.summary(record) for record in found]


def _is_wanted(context: Context, request: Request, name: str | None, record: BackupRecord) -> bool:
    if name is not None and record.table["name"] != name:
        return False
    kind = request.get("BackupType") or USER
    if kind not in (ALL, record.kind):
        return False
    lower, upper = request.get("TimeRangeLowerBound"), request.get("TimeRangeUpperBound")
    if lower is not None and record.created_at < lower:
        return False
    if record.is_over(context.now()):
        return False
    return upper is None or record.created_at < upper
