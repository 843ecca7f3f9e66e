"""ImportTable. The keeper makes the table when it has found the objects, and fills it.

The order of what is looked at was measured on AWS (aws-controllers-k8s, API quirks of October 2026, IMPORT-009 to
-019): as long as an import makes a table, its name is free for another import, which fails later.
"""

import secrets
from dataclasses import replace

from statordb.api import creating, encryption, imports, jobs, schemas
from statordb.api.context import Answer, Context, Request
from statordb.commands import throughput
from statordb.commands.demands import TableDemand
from statordb.exchange.delimited import CsvOptions, Rows
from statordb.exchange.entries import Unreadable
from statordb.model import errors, job_errors
from statordb.model.limits import IMPORTS_MAX
from statordb.store.backups.records import table_members
from statordb.store.jobs.records import ImportRecord
from statordb.store.records import TableRecord

_NO_SPACE = 0  # the keeper gives the table its spaces


async def import_table(context: Context, request: Request) -> Answer:
    wanted = request["TableCreationParameters"]
    _check(request)
    account, region, name = await context.scope(TableDemand("dynamodb:ImportTable", wanted["TableName"]))
    store = context.store
    existing = await store.catalog.reload(account, region, name)
    if existing is not None and existing.record.import_arn is None:
        raise errors.table_exists(name)
    token = request.get("ClientToken") or ""
    before = await store.imports.by_token(account, region, token, context.now())
    if before is None:
        async with store.admission.new_table(account, region, name, throughput.asked_units(wanted)):
            before = await _begin(context, request, (account, region, name), token)
    if before.table != name:
        raise job_errors.import_conflict()
    return {"ImportTableDescription": imports.description(before)}


async def _begin(context: Context, request: Request, name: tuple[str, str, str], token: str) -> ImportRecord:
    account, region, table = name
    if await context.store.imports.count(account, region) >= IMPORTS_MAX:
        raise job_errors.too_many_imports(IMPORTS_MAX)
    made = await _table(context, request, name)
    now = round(context.now(), 3)
    source = request["S3BucketSource"]
    bucket = source["S3Bucket"]
    objects = f"{bucket}/{source.get('S3KeyPrefix') or ''}*"
    refused = await jobs.refusal_of_s3(context, [("s3:ListBucket", bucket), ("s3:GetObject", objects)])
    record = ImportRecord(
        account=account,
        region=region,
        id=jobs.new_id(now, secrets.token_hex),
        table=table,
        table_id=made.id,
        started_at=now,
        token=token,
        asked={member: value for member, value in request.items() if member != "ClientToken"},
        failure=None if refused is None else ["S3AccessDenied", refused],
        made=table_members(made),
    )
    return await context.store.imports.add(record)


async def _table(context: Context, request: Request, name: tuple[str, str, str]) -> TableRecord:
    """The table that is to be made, without spaces. Raises what its key is refused with."""
    wanted = request["TableCreationParameters"]
    key = await encryption.key_of(context, *name[:2], wanted.get("SSESpecification"))
    indexes = [schemas.index_record(each, _NO_SPACE, False) for each in wanted.get("GlobalSecondaryIndexes") or ()]
    record = creating.record_of(wanted, name, context.now(), _NO_SPACE, indexes)
    return replace(encryption.begun(record, key), status="CREATING")


def _check(request: Request) -> None:
    """Members that contradict each other. Raises ValidationException."""
    wanted = request["TableCreationParameters"]
    if wanted.get("VectorIndexes"):
        raise errors.unsupported("VectorIndexes")
    creating.check(wanted)
    encryption.check(wanted.get("SSESpecification"))
    options = request.get("InputFormatOptions") or {}
    if options.get("Csv") is None:
        return
    if request["InputFormat"] != "CSV":
        raise errors.invalid_request(
            f"Unsupported InputFormatOptions for the given input format: {request['InputFormat']}."
        )
    header = options["Csv"].get("HeaderList")
    try:
        Rows(CsvOptions(header=None if header is None else tuple(header)), {})
    except Unreadable as fault:
        raise errors.invalid_request(f"{fault}") from None
