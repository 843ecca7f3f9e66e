"""TagResource."""

from dataclasses import replace

from statordb.api.context import Answer, Context, Request
from statordb.api.tags import check_count, parse_tags, tagged_table
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.store.records import TableRecord
from statordb.store.terms import Refused


async def tag_resource(context: Context, request: Request) -> Answer:
    if not request["Tags"]:
        raise errors.validation("Atleast one Tag needs to be provided as Input.")
    tags = parse_tags(request["Tags"])
    table = await tagged_table(context, TableDemand("dynamodb:TagResource", request["ResourceArn"], tags))

    def change(record: TableRecord | None) -> TableRecord | Refused:
        if record is None:
            return Refused(None)
        merged = {**record.tags, **tags}
        check_count(merged)
        return replace(record, tags=merged)

    record = table.record
    if isinstance(await context.store.catalog.change(record.account, record.region, record.name, change), Refused):
        raise errors.resource_not_found()
    return b""
