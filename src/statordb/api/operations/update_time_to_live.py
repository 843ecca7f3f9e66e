"""UpdateTimeToLive."""

from dataclasses import replace

from statordb.api import encryption
from statordb.api.context import Answer, Context, Request
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.store.records import ExpiryRecord, TableRecord
from statordb.store.terms import Refused


async def update_time_to_live(context: Context, request: Request) -> Answer:
    wanted = request["TimeToLiveSpecification"]
    attribute, enabled = wanted["AttributeName"], wanted["Enabled"]
    table = await context.described(TableDemand("dynamodb:UpdateTimeToLive", request["TableName"]))
    encryption.check_open(table)
    store, record, now = context.store, table.record, context.now()
    draft = store.draft()
    space = await draft.derived() if enabled else 0  # also where it seems to be enabled: it may be disabled meanwhile

    def change(record: TableRecord | None) -> TableRecord | Refused:
        if record is not None and record.status_at(now) == "CREATING":
            return Refused(
                errors.resource_in_use(
                    f"Attempt to change a resource which is still in use: Table {table.name} is being created"
                )
            )
        if record is None or record.space != table.space or not record.usable_at(now):
            return Refused(errors.table_not_found(table.name))
        current = record.expiry
        if enabled:
            if current is not None:
                same = current.attribute == attribute
                text = "TimeToLive is already enabled" if same else _elsewhere(current)
                return Refused(errors.validation(text))
            return replace(record, expiry=ExpiryRecord(attribute, space, ready=False))
        if current is None:
            return Refused(errors.validation("TimeToLive is already disabled"))
        if current.attribute != attribute:
            return Refused(errors.validation(_elsewhere(current)))
        return replace(record, expiry=None, leftover=[*record.leftover, current.space])

    outcome = await store.catalog.change(record.account, record.region, record.name, change, draft)
    if isinstance(outcome, Refused):
        raise outcome.reason
    return {"TimeToLiveSpecification": {"AttributeName": attribute, "Enabled": enabled}}


def _elsewhere(current: ExpiryRecord) -> str:
    return f"TimeToLive is active on a different AttributeName: current AttributeName is {current.attribute}"
