"""DeleteEventSourceMapping: it is Deleting until nothing of it runs any more."""

from dataclasses import replace

from statordb.lambda_api import errors, event_sources
from statordb.lambda_api.context import Answer, Context, Request
from statordb.store.functions import mappings
from statordb.store.functions.mappings import MappingRecord


async def delete_event_source_mapping(context: Context, request: Request) -> Answer:
    record = await event_sources.mapping_of(context, request["UUID"])
    now = context.now()

    def change(current: MappingRecord) -> MappingRecord:
        if current.state not in (mappings.ENABLED, mappings.DISABLED):
            raise errors.in_use("Cannot delete the event source mapping because it is in use.")
        return replace(current, state=mappings.DELETING, reason=mappings.USER_ACTION, modified_at=now)

    changed = await context.store.mappings.change(record, change)
    if changed is None:
        raise errors.nothing_set()
    return event_sources.shown(changed)
