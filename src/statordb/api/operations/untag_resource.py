"""UntagResource."""

from dataclasses import replace

from statordb.api.context import Answer, Context, Request
from statordb.api.tags import check_keys, tagged_table
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.store.records import TableRecord
from statordb.store.terms import Refused


async def untag_resource(context: Context, request: Request) -> Answer:
    keys = request["TagKeys"]
    if not keys:
        raise errors.validation("Atleast one Tag Key needs to be provided as Input.")
    check_keys(keys)
    demand = TableDemand("dynamodb:UntagResource", request["ResourceArn"], dict.fromkeys(keys))
    table = await tagged_table(context, demand)

    def change(record: TableRecord | None) -> TableRecord | Refused:
        if record is None:
            return Refused(None)
        return replace(record, tags={key: value for key, value in record.tags.items() if key not in keys})

    record = table.record
    if isinstance(await context.store.catalog.change(record.account, record.region, record.name, change), Refused):
        raise errors.resource_not_found()
    return b""
