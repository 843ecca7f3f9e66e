"""StartBulkPutItems: items from S3 are put into a table that is in use; the keeper does it."""

import secrets

from statordb.api import bulk, jobs
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import TableDemand
from statordb.model import errors, job_errors
from statordb.model.limits import BULK_OPERATIONS_MAX
from statordb.store.jobs.records import BulkRecord
from statordb.store.table import Table


async def start_bulk_put_items(context: Context, request: Request) -> Answer:
    _check(request)
    account, region, name = await context.scope(TableDemand("dynamodb:StartBulkPutItems", request["TableName"]))
    store = context.store
    token = request.get("ClientToken") or ""
    asked = {member: value for member, value in request.items() if member != "ClientToken"}
    record = await store.bulk_operations.by_token(account, region, token, context.now())
    if record is None:
        table = await store.catalog.reload(account, region, name)
        if table is None:
            raise errors.table_not_found(name)
        _check_state(context, table)
        await _check_count(context, account, region)
        record = await store.bulk_operations.add(await _record(context, asked, table, token))
    if record.asked != asked:
        raise errors.idempotent_parameter_mismatch()
    return {"BulkOperationDescription": bulk.description(record)}


async def _record(context: Context, asked: Request, table: Table, token: str) -> BulkRecord:
    now, of = round(context.now(), 3), table.record
    source, out = asked["InputS3Configuration"], asked["OutputS3Configuration"]
    objects = f"{source['S3Bucket']}/{source.get('S3KeyPrefix') or ''}*"
    written = f"{out['S3Bucket']}/{out.get('S3KeyPrefix') or ''}*"
    demands = [("s3:ListBucket", source["S3Bucket"]), ("s3:GetObject", objects), ("s3:PutObject", written)]
    refused = await jobs.refusal_of_s3(context, demands)
    return BulkRecord(
        account=of.account,
        region=of.region,
        id=jobs.new_id(now, secrets.token_hex),
        table=of.name,
        table_id=of.id,
        started_at=now,
        token=token,
        asked=asked,
        failure=None if refused is None else ["S3AccessDenied", refused],
        local=[index.name for index in of.indexes if index.local],
    )


def _check_state(context: Context, table: Table) -> None:
    """ACTIVE, or UPDATING with nothing that stands against it (developer guide, "Table state requirements")."""
    record = table.record
    if not record.usable_at(context.now()):
        raise errors.resource_in_use(f"Table is not in a state that allows this operation: {record.name}")
    if any(index.status == "CREATING" for index in record.indexes):
        raise errors.resource_in_use(f"An index of the table is being created: {record.name}")
    if table.closed is not None:
        raise table.closed.error()


async def _check_count(context: Context, account: str, region: str) -> None:
    if await context.store.bulk_operations.count(account, region) >= BULK_OPERATIONS_MAX:
        raise job_errors.too_many_bulk_operations(BULK_OPERATIONS_MAX)


def _check(request: Request) -> None:
    """Members that contradict each other. Raises ValidationException."""
    out = request["OutputS3Configuration"]
    if not out["OutputType"]:
        raise errors.invalid_request("OutputType must have at least one value")
    if out.get("S3Bucket") is None:
        raise errors.invalid_request("S3Bucket of OutputS3Configuration is required")
    jobs.check_encryption(out)
