"""ListEventSourceMappings: by UUID, in pages."""

from statordb.lambda_api import event_sources, markers
from statordb.lambda_api.context import Answer, Context, Request
from statordb.model.function_limits import MAPPINGS_PER_PAGE_MAX
from statordb.store.functions.mappings import is_url, unqualified


async def list_event_source_mappings(context: Context, request: Request) -> Answer:
    after = markers.read(request.get("Marker")) or ""
    limit = min(request.get("MaxItems", MAPPINGS_PER_PAGE_MAX), MAPPINGS_PER_PAGE_MAX)
    named, stream = request.get("FunctionName"), request.get("EventSourceArn")
    function = named if not named or is_url(named) else unqualified(context.name(named).qualified_arn)
    records = [
        record
        for record in await context.store.mappings.of(context.principal.account, context.principal.region)
        if record.uuid > after
        and function in (None, unqualified(record.function))
        and stream in (None, record.stream_arn)
    ]
    page = records[:limit]
    return {
        "EventSourceMappings": [event_sources.shown(record) for record in page],
        "NextMarker": markers.write(page[-1].uuid) if len(records) > limit else None,
    }
