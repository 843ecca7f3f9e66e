"""ExportTableToPointInTime. What can be told from the request and the table is refused at once; what S3 has against it
is told by DescribeExport later. The keeper writes the files.

The order of what is looked at was measured on AWS (aws-controllers-k8s, API quirks of October 2026, EXPORT-001 to
-011).
"""

import secrets
from dataclasses import replace
from math import ceil

from statordb.api import exports, jobs, recovery
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import ResourceDemand
from statordb.commands.export_filter import export_filter
from statordb.model import errors
from statordb.model.arns import parse_table
from statordb.model.export_errors import export_conflict, invalid_export_time, too_many_exports
from statordb.model.limits import EXPORTS_MAX
from statordb.store.jobs.records import ExportRecord
from statordb.store.table import Table

_ACTION = "dynamodb:ExportTableToPointInTime"
_S3_ACTIONS = ("s3:PutObject", "s3:AbortMultipartUpload")


async def export_table_to_point_in_time(context: Context, request: Request) -> Answer:
    account, region, name = await _named(context, request["TableArn"])
    exports.check(request)
    table = await context.store.catalog.reload(account, region, name)
    if table is None or (account, region) != jobs.scope(context) or not recovery.is_there(table.record, context.now()):
        raise errors.table_not_found_for_backups(request["TableArn"])
    if table.closed is not None:
        raise table.closed.error()
    _check_filter(request, table)
    asked = {member: value for member, value in request.items() if member != "ClientToken"}
    token = request.get("ClientToken") or ""
    record = await context.store.exports.by_token(account, region, token, context.now())
    if record is None:
        record = await _begin(context, asked, table, token)
    if record.asked != asked:
        raise export_conflict()
    return {"ExportDescription": exports.description(record)}


async def _named(context: Context, arn: str) -> tuple[str, str, str]:
    """Account, region and name of the table, once the request is let in. Raises ValidationException, and
    AccessDeniedException for another account's (EXPORT-002)."""
    parts = parse_table(arn)
    if parts is None:
        if arn.startswith("arn:"):
            raise errors.invalid_request("Table ARN is invalid.")
        raise errors.invalid_parameters("tableArn is not a valid ARN")
    account, region = context.gate.place(context.principal, *parts[:2])
    await context.admit(ResourceDemand(_ACTION, f"arn:aws:dynamodb:{region}:{account}:table/{parts[2]}"))
    if account != context.principal.account:
        raise errors.access_denied("Access is denied")
    return account, region, parts[2]


def _check_filter(request: Request, table: Table) -> None:
    """Raises ValidationException."""
    specification = request.get("FilterSpecification")
    if specification is not None:
        export_filter(specification, table.primary)


async def _begin(context: Context, asked: Request, table: Table, token: str) -> ExportRecord:
    """Raises InvalidExportTimeException, PointInTimeRecoveryUnavailableException, LimitExceededException."""
    source = table.record
    now = ceil(context.now() * 1000) / 1000  # what was acknowledged before is in a full export of now
    window = exports.window(asked, source.created_at, now)
    if source.recovery is None or source.track is None:
        raise errors.recovery_unavailable(source.name)
    since, until = window or (None, await _moment(context, asked, table, now))
    if since is not None and since < (await recovery.times(context, source))[0]:
        raise invalid_export_time("Point in Time Recovery is not available for specified export time")
    if await context.store.exports.count(source.account, source.region) >= EXPORTS_MAX:
        raise too_many_exports(EXPORTS_MAX)
    record = ExportRecord(
        account=source.account,
        region=source.region,
        id=jobs.new_id(now, secrets.token_hex),
        table=source.name,
        table_id=source.id,
        started_at=now,
        token=token,
        asked=asked,
        track=source.track,
        since=since,
        until=until,
    )
    return await context.store.exports.add(await _refused_by_s3(context, record))


async def _moment(context: Context, asked: Request, table: Table, now: float) -> float:
    """Of a full export, in seconds since the epoch: now, if the request does not say. Raises
    InvalidExportTimeException."""
    if asked.get("ExportTime") is None:
        return now
    moment = round(float(asked["ExportTime"]), 3)
    earliest, latest = await recovery.times(context, table.record)
    if moment > now or moment < earliest:
        raise invalid_export_time("Export Time is invalid")
    if moment > latest:
        raise invalid_export_time("Point in Time Recovery is not available for specified export time")
    return moment


async def _refused_by_s3(context: Context, record: ExportRecord) -> ExportRecord:
    """The export, which is to fail if the principal may not write where it goes."""
    folder = record.layout.started.rpartition(record.id)[0]
    objects = f"{record.asked['S3Bucket']}/{folder}*"
    refused = await jobs.refusal_of_s3(context, [(action, objects) for action in _S3_ACTIONS])
    return record if refused is None else replace(record, failure=["S3AccessDenied", refused])
