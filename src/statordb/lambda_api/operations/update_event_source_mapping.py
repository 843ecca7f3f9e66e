"""UpdateEventSourceMapping."""

from dataclasses import replace
from typing import Any

from statordb.lambda_api import errors, event_sources
from statordb.lambda_api.context import Answer, Context, Request
from statordb.store.functions import mappings
from statordb.store.functions.mappings import Claimed, MappingRecord


async def update_event_source_mapping(context: Context, request: Request) -> Answer:
    record = await event_sources.mapping_of(context, request["UUID"])
    _check_settled(record)
    fields = event_sources.changes(context, request, record.options)
    if "FunctionName" in request:
        fields["function"] = await event_sources.function_of(context, request["FunctionName"])
        fields["reader"] = event_sources.reader_of(context.principal)
    now = context.now()

    def change(current: MappingRecord) -> MappingRecord:
        _check_settled(current)
        return replace(current, **fields, state=_state(current, fields), reason=mappings.USER_ACTION, modified_at=now)

    try:
        changed = await context.store.mappings.change(record, change)
    except Claimed as fault:
        raise event_sources.taken(replace(record, **fields), fault.args[0]) from None
    if changed is None:
        raise errors.nothing_set()
    return event_sources.shown(changed)


def _check_settled(record: MappingRecord) -> None:
    if record.state not in (mappings.ENABLED, mappings.DISABLED):
        raise errors.in_use("Cannot update the event source mapping because it is in use.")


def _state(current: MappingRecord, fields: dict[str, Any]) -> str:
    enabled = fields.get("enabled", current.enabled)
    if enabled == current.enabled:
        return mappings.UPDATING
    return mappings.ENABLING if enabled else mappings.DISABLING
