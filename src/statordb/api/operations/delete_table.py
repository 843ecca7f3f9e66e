"""DeleteTable."""

from dataclasses import replace

from statordb.api import streaming
from statordb.api.context import Answer, Context, Request
from statordb.api.description import outline
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.store.records import NEVER, TableRecord
from statordb.store.terms import Refused

# What DynamoDB leaves out of the description that DeleteTable returns.
_UNSAID = ("AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes", "GlobalSecondaryIndexes", "CreationDateTime")


async def delete_table(context: Context, request: Request) -> Answer:
    account, region, name = await context.scope(TableDemand("dynamodb:DeleteTable", request["TableName"]))
    store = context.store
    now, delay = context.now(), store.table_delay_seconds

    def change(record: TableRecord | None) -> TableRecord | Refused:
        fault = _fault(record, name, now)
        if fault is not None:
            return Refused(fault)
        assert record is not None
        going = replace(record, status="DELETING", settles_at=now + delay, track=None)
        if record.recovery is None:
            return going  # the keeper forgets it after that
        # It is backed up first.
        return replace(going, settles_at=NEVER, recovery=replace(record.recovery, deleted_at=now))

    known = await store.catalog.reload(account, region, name)
    if known is None:
        raise errors.table_not_found(name)
    await store.admission.change(account, region)
    outcome = await streaming.end(context, known.record, change)
    if isinstance(outcome, Refused):
        raise outcome.reason
    assert outcome is not None
    description = outline(outcome, "DELETING", now)
    return {"TableDescription": {member: value for member, value in description.items() if member not in _UNSAID}}


def _fault(record: TableRecord | None, name: str, now: float) -> errors.ClientError | None:
    status = record.status_at(now) if record is not None else None
    if record is None or status is None:
        return errors.table_not_found(name)
    if status == "CREATING":
        return errors.resource_in_use(
            f"Attempt to change a resource which is still in use: Table is being created: {name}"
        )
    if status == "UPDATING":
        return errors.resource_in_use(
            f"Attempt to change a resource which is still in use: Table: {name} is in the process of being updated."
        )
    if status == "DELETING":
        return errors.resource_in_use(
            f"Attempt to change a resource which is still in use: Table is being deleted: {name}"
        )
    if record.options.get("DeletionProtectionEnabled"):
        return errors.validation(
            "Resource cannot be deleted as it is currently protected against deletion. "
            "Disable deletion protection first."
        )
    return None
