"""Backups of a table, and tables made of them: by a backup, or as a table was at any second."""

from datetime import UTC, datetime

from starlette.responses import Response

from statordb.console.calls import Fault
from statordb.console.page import Page, address


async def show_backups(page: Page) -> Response:
    name = page.request.path_params.get("table")
    found = await page.dynamodb("ListBackups", TableName=name, BackupType="ALL", Limit=100)
    history = None if name is None else await page.may("dynamodb", "DescribeContinuousBackups", TableName=name)
    return page.render(
        "backups.html", name=name, tab="backups", backups=found["BackupSummaries"], history=history,
        more="LastEvaluatedBackupArn" in found,
    )  # fmt: skip


async def change(page: Page) -> Response:
    """Make, delete or restore: which, the form says."""
    name, what = page.path("table"), page.field("what")
    target, back = page.field("target").strip(), address("tables", name, "backups")
    if what == "make":
        await page.dynamodb("CreateBackup", TableName=name, BackupName=page.field("backup").strip())
        return page.go(back, "The backup is being made.")
    if what == "delete":
        await page.dynamodb("DeleteBackup", BackupArn=page.field("arn"))
        return page.go(back, "The backup is being deleted.")
    if what == "restore":
        await page.dynamodb("RestoreTableFromBackup", TargetTableName=target, BackupArn=page.field("arn"))
    elif what == "point":
        told = {"SourceTableName": name, "TargetTableName": target}
        if moment := page.field("moment").strip():
            await page.dynamodb("RestoreTableToPointInTime", **told, RestoreDateTime=_moment(moment))
        else:
            await page.dynamodb("RestoreTableToPointInTime", **told, UseLatestRestorableTime=True)
    else:
        raise Fault("ParamValidationError", "This form says nothing that could be done with backups.")
    return page.go(address("tables", target), f"{target} is being restored.")


def _moment(text: str) -> datetime:
    """A time in UTC as browsers send it. Raises Fault."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise Fault("ParamValidationError", "A moment is such as 2026-12-01T12:30:00.") from None


SHOWN = {"/backups": show_backups, "/tables/{table}/backups": show_backups}
DONE = {"/tables/{table}/backups": change}
