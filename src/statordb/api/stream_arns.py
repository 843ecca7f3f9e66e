"""Streams as requests name them: by their ARNs."""

import re

from statordb.api.context import Context
from statordb.model import errors
from statordb.store.streams import StreamRecord

_STREAM_ARN = re.compile(
    r"arn:aws[a-z-]*:dynamodb:([^:/|]+):([0-9]{12}):table/([a-zA-Z0-9_.-]{3,255})/stream/([a-zA-Z0-9:_.-]{1,64})",
    re.ASCII,
)

Name = tuple[str, str, str, str]  # account, region, table name, label


def parse_arn(arn: str) -> Name:
    """What a stream's ARN names; raises ValidationException."""
    match = _STREAM_ARN.fullmatch(arn)
    if match is None:
        raise errors.validation("Invalid StreamArn")
    region, account, table, label = match.groups()
    return account, region, table, label


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
