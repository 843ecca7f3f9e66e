"""ARNs that more than one API reads."""

import re

_STREAM = re.compile(
    r"arn:aws[a-z-]*:dynamodb:([^:/|]+):([0-9]{12}):table/([a-zA-Z0-9_.-]{3,255})/stream/([a-zA-Z0-9:_.-]{1,64})",
    re.ASCII,
)

StreamName = tuple[str, str, str, str]
"""Account, region, table name, label."""


def parse_stream(arn: str) -> StreamName | None:
    """What a stream's ARN names; None for what is no such ARN."""
    match = _STREAM.fullmatch(arn)
    if match is None:
        return None
    region, account, table, label = match.groups()
    return account, region, table, label
