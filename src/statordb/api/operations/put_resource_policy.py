"""PutResourcePolicy, of a table or a stream."""

from statordb.api import resource_policies
from statordb.api.context import Answer, Context, Request
from statordb.commands import policies
from statordb.model import errors
from statordb.store.records import PolicyRecord, TableRecord
from statordb.store.terms import Refused

_ACTION = "dynamodb:PutResourcePolicy"


async def put_resource_policy(context: Context, request: Request) -> Answer:
    arn = request["ResourceArn"]
    named, _ = await resource_policies.record_of(context, _ACTION, arn)
    text = resource_policies.normal(request["Policy"])
    demand = resource_policies.demand_of(_ACTION, arn, named)
    if not request.get("ConfirmRemoveSelfResourceAccess") and await policies.would_deny(context, demand, text):
        raise errors.invalid_parameters(
            "The policy denies the caller dynamodb:PutResourcePolicy. Set ConfirmRemoveSelfResourceAccess to put it "
            "all the same"
        )
    now, made = context.now(), PolicyRecord("", "", "")

    def change(record: TableRecord | None) -> TableRecord | Refused:
        nonlocal made
        if record is None:
            return Refused(None)
        current = resource_policies.found(record, named.label)
        resource_policies.must_be_expected(arn, request.get("ExpectedRevisionId"), current)
        if current is not None and resource_policies.same(current.text, text):
            made = current
            return record
        changed, made = resource_policies.revised(record, named.label, text, now)
        return changed

    place = named.account, named.region, named.table
    if isinstance(await context.store.catalog.change(*place, change), Refused):
        raise errors.table_not_found(named.table)
    return {"RevisionId": made.revision}
