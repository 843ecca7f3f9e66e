"""ResourceArn of the operations of tags and resource policies, which name their faults otherwise than a TableName's.

Texts were measured on AWS (aws-controllers-k8s, API quirks of October 2026, TABLE-071, -442 and -446).
"""

import re
from typing import NamedTuple

from statordb.api.context import Context
from statordb.model import errors
from statordb.model.arns import has_region
from statordb.model.errors import ClientError

_RESOURCE = re.compile(
    r"arn:(aws[a-z-]*):dynamodb:([^:/]+):([0-9]{12}):table/([a-zA-Z0-9_.-]{3,255})(?:/(stream|index)/([^/]+))?"
)
_ARN_PARTS = 6


class Resource(NamedTuple):
    """A table, or one of its streams by its label. `is_here`: in the region that is asked."""

    account: str
    region: str
    table: str
    label: str | None
    is_here: bool


def parse(context: Context, arn: str) -> Resource:
    """What an ARN names; raises ValidationException for what is neither a table nor a stream."""
    if not arn.startswith("arn:"):
        raise errors.invalid_parameters(f"ARNs must start with 'arn:': {errors.quoted(arn)}")
    found = _RESOURCE.fullmatch(arn)
    if found is None:
        raise _malformed(arn)
    partition, region, account, table, kind, rest = found.groups()
    if kind == "index":
        raise errors.invalid_parameters(
            f"Invalid resource arn provided, only table or stream is accepted. Provided resource arn: {arn}"
        )
    is_here = has_region(partition, region)
    account, region = context.gate.place(context.principal, account, region)
    return Resource(account, region, table, rest, is_here and region == context.principal.region)


def is_of_another_service(arn: str) -> bool:
    """Whether a text is an ARN, but none of DynamoDB's."""
    parts = arn.split(":", _ARN_PARTS - 1)
    return len(parts) == _ARN_PARTS and parts[0] == "arn" and parts[2] != "dynamodb"


def _malformed(arn: str) -> ClientError:
    parts = arn.split(":", _ARN_PARTS - 1)
    is_no_table = len(parts) == _ARN_PARTS and (not parts[5].startswith("table/") or "/backup/" in arn)
    if is_no_table or is_of_another_service(arn):
        return errors.invalid_parameters(f"Provided Arn is not a DynamoDB resource arn: {errors.quoted(arn)}")
    return unfit(arn)


def unfit(arn: str) -> ClientError:
    """Of what has not the form of an ARN of a table in this region."""
    return errors.validation(f"Invalid TableArn: Invalid ResourceArn provided as input {errors.quoted(arn)}")
