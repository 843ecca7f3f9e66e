"""CreateEventSourceMapping."""

import uuid

from statordb.lambda_api import errors, event_sources
from statordb.lambda_api.context import Answer, Context, Request
from statordb.store.functions.mappings import Checkpoint, Claimed, MappingRecord
from statordb.store.streams import Stream

TRIM_HORIZON, LATEST = "TRIM_HORIZON", "LATEST"


async def create_event_source_mapping(context: Context, request: Request) -> Answer:
    arn = request.get("EventSourceArn")
    if not arn:
        raise errors.invalid_parameter("Unrecognized event source.")
    event_sources.stream_name(arn)
    position = _starting_position(request, arn)
    fields = event_sources.changes(context, request, {})
    function = await event_sources.function_of(context, request["FunctionName"])
    stream = await event_sources.stream_of(context, arn)
    principal, now = context.principal, context.now()
    place = principal.account, principal.region
    reader = event_sources.reader_of(principal)
    record = MappingRecord(str(uuid.uuid4()), *place, arn, function, position, now, now, **fields, reader=reader)
    begun = await _latest(context, stream) if position == LATEST else {}
    try:
        await context.store.mappings.create(record, begun)
    except Claimed as fault:
        raise event_sources.taken(record, fault.args[0]) from None
    return event_sources.shown(record)


def _starting_position(request: Request, arn: str) -> str:
    position: str | None = request.get("StartingPosition")
    if position is None:
        raise errors.invalid_parameter(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must "
            "not be null."
        )
    if position not in (TRIM_HORIZON, LATEST):
        raise errors.invalid_parameter(f"Unsupported starting position for arn type: {arn}")
    return position


async def _latest(context: Context, stream: Stream) -> dict[str, Checkpoint]:
    """Where every shard ends now. One that is opened from now on is read from its beginning."""
    logs = context.store.logs
    return {
        shard.id: Checkpoint(await logs.end(stream, shard), ended=shard.closed_at is not None)
        for shard in stream.shards
    }
