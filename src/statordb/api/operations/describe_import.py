"""DescribeImport. Records outlive their tables, by 90 days."""

from statordb.api import imports, jobs
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import ResourceDemand
from statordb.model import job_errors


async def describe_import(context: Context, request: Request) -> Answer:
    arn = request["ImportArn"]
    named = jobs.parse(context, arn, "import", "Invalid Import ARN")
    await context.admit(ResourceDemand("dynamodb:DescribeImport", arn))
    record = None
    if (named.account, named.region) == jobs.scope(context):
        record = await context.store.imports.find(named.account, named.region, named.id)
    if record is None or record.table != named.table:
        raise job_errors.import_not_found(arn)
    return {"ImportTableDescription": imports.description(record)}
