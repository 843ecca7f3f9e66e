"""Streams as requests name them: by their ARNs."""

from statordb.api.context import Context
from statordb.model import errors
from statordb.model.arns import StreamName, parse_stream
from statordb.store.streams import StreamRecord


def parse_arn(arn: str) -> StreamName:
    """What a stream's ARN names; raises ValidationException."""
    name = parse_stream(arn)
    if name is None:
        raise errors.validation("Invalid StreamArn")
    return name


async def find(context: Context, arn: str) -> StreamRecord:
    """The stream of an ARN, as it is stored now.

    Raises ValidationException for what is no ARN of a stream, AccessDeniedException for a stream of another account
    (no policy can allow it yet), ResourceNotFoundException where there is none, or none any more.
    """
    name = parse_arn(arn)
    principal = context.principal
    if name[0] != principal.account:
        raise errors.access_denied(
            f"User: {principal.arn} is not authorized to perform this operation on resource: {arn} "
            "because no resource-based policy allows it"
        )
    stream = await context.store.streams.find(*name)
    if stream is None:
        raise errors.stream_not_found(arn)
    return stream
