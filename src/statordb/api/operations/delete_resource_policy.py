"""DeleteResourcePolicy, of a table or a stream. One that is not there is deleted already."""

from statordb.api import resource_policies
from statordb.api.context import Answer, Context, Request
from statordb.model import errors
from statordb.store.records import PolicyRecord, TableRecord
from statordb.store.terms import Refused


async def delete_resource_policy(context: Context, request: Request) -> Answer:
    arn = request["ResourceArn"]
    named, _ = await resource_policies.record_of(context, "dynamodb:DeleteResourcePolicy", arn)
    now = context.now()
    made: PolicyRecord | None = None

    def change(record: TableRecord | None) -> TableRecord | Refused:
        nonlocal made
        if record is None:
            return Refused(None)
        made = resource_policies.found(record, named.label)
        resource_policies.must_be_expected(arn, request.get("ExpectedRevisionId"), made)
        if made is None or not made.text:
            return record
        changed, made = resource_policies.revised(record, named.label, "", now)
        return changed

    place = named.account, named.region, named.table
    if isinstance(await context.store.catalog.change(*place, change), Refused):
        raise errors.table_not_found(named.table)
    return {} if made is None else {"RevisionId": made.revision}
