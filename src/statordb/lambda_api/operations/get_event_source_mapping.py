"""GetEventSourceMapping."""

from statordb.lambda_api import event_sources
from statordb.lambda_api.context import Answer, Context, Request


async def get_event_source_mapping(context: Context, request: Request) -> Answer:
    return event_sources.shown(await event_sources.mapping_of(context, request["UUID"]))
