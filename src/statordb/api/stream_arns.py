"""Streams as requests name them: by their ARNs."""

from statordb.api.context import Context
from statordb.commands.demands import StreamDemand
from statordb.model import errors
from statordb.model.arns import StreamName, parse_stream
from statordb.store.streams import Stream


def parse_arn(arn: str) -> StreamName:
    """What a stream's ARN names; raises ValidationException."""
    name = parse_stream(arn)
    if name is None:
        raise errors.validation("Invalid StreamArn")
    return name


async def find(context: Context, demand: StreamDemand) -> Stream:
    """The stream that is demanded, as it is stored now.

    Raises ValidationException for what is no ARN of a stream, AccessDeniedException, ResourceNotFoundException where
    there is none in this region, or none any more.
    """
    name = parse_arn(demand.stream_arn)
    await context.admit(demand)
    account, region, table, label = name
    account, region = context.gate.place(context.principal, account, region)
    stream = None
    if region == context.principal.region:
        stream = await context.store.streams.find(account, region, table, label)
    if stream is None:
        raise errors.stream_not_found(demand.stream_arn)
    return stream
