"""DescribeExport. Records outlive their tables, by 90 days."""

from statordb.api import exports, jobs
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import ResourceDemand
from statordb.model.export_errors import export_not_found


async def describe_export(context: Context, request: Request) -> Answer:
    arn = request["ExportArn"]
    named = jobs.parse(context, arn, "export", "Invalid Export ARN")
    await context.admit(ResourceDemand("dynamodb:DescribeExport", arn))
    if (named.account, named.region) != jobs.scope(context):
        raise export_not_found("Invalid export arn")
    record = await context.store.exports.find(named.account, named.region, named.id)
    if record is None or record.table != named.table:
        raise export_not_found(f"Export not found: {arn}")
    return {"ExportDescription": exports.description(record)}
