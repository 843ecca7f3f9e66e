"""What the operations on jobs have in common: their ARNs, the pages of their lists, and access to S3.

A NextToken is text that means something to us alone: one byte of format, the id behind which the list goes on, and a
digest of that and of whose list it is, in hexadecimal digits. AWS does not hold it against the other members of a
request (aws-controllers-k8s, API quirks of October 2026, EXPORT-006); the digest finds what we never gave.
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from statordb.api.context import Context, Request
from statordb.commands.demands import ResourceDemand
from statordb.model import errors
from statordb.model.arns import parse_table
from statordb.model.errors import ClientError
from statordb.store.jobs.records import J, JobRecord

_ARN = re.compile(
    r"arn:[^:]*:dynamodb:([^:/]+):([0-9]{12}):table/([a-zA-Z0-9_.-]{3,255})/([a-z-]+)/([0-9]{14}-[0-9a-f]{8})"
)
_FORMAT = b"\x01"
_ID_BYTES = 23
_DIGEST_BYTES = 32


class Named(NamedTuple):
    """What the ARN of a job names."""

    account: str
    region: str
    table: str
    id: str


def parse(context: Context, arn: str, resource: str, fault: str) -> Named:
    """`resource`: what stands before the id. Raises ValidationException with the text `fault`, and
    AccessDeniedException for another account's (IMPORT-010)."""
    match = _ARN.fullmatch(arn)
    if match is None or match[4] != resource:
        raise errors.validation(fault)
    region, account, table, _, id = match.groups()
    account, region = context.gate.place(context.principal, account, region)
    if account != context.principal.account:
        raise errors.access_denied("Access is denied")
    return Named(account, region, table, id)


def ending(record: JobRecord) -> dict[str, Any]:
    """What is told of every job where it is so: its token, when it ended, and why it failed. One that is bound to fail
    says so only once it has."""
    told: dict[str, Any] = {}
    if record.token:
        told["ClientToken"] = record.token
    if record.ended_at is not None:
        told["EndTime"] = record.ended_at
    if record.failure is not None and not record.is_under_way:
        told["FailureCode"], told["FailureMessage"] = record.failure
    return told


def new_id(now: float, random: Callable[[int], str]) -> str:
    """The end of an ARN. `random`: gives hexadecimal digits of so many bytes."""
    return f"{round(now * 1000):014d}-{random(4)}"


def scope(context: Context) -> tuple[str, str]:
    """The account and region whose jobs a request is about."""
    principal = context.principal
    return context.gate.place(principal, principal.account, principal.region)


async def page(
    context: Context, found: AsyncIterator[J], most: int, wanted: Callable[[J], bool], sort: str
) -> tuple[Sequence[J], str | None]:
    """The next `most` jobs of a list, and the NextToken of those behind them. `sort`: of the jobs."""
    shown: list[J] = []
    async for record in found:
        if not wanted(record):
            continue
        if len(shown) == most:
            return shown, _token(context, shown[-1].id, sort)
        shown.append(record)
    return shown, None


def behind(context: Context, token: str | None, sort: str) -> str | None:
    """The id that a NextToken of a list of such jobs goes on behind. Raises ValidationException."""
    if token is None:
        return None
    try:
        id = bytes.fromhex(token)[1 : 1 + _ID_BYTES].decode("ascii", "replace")
    except ValueError:  # no hexadecimal digits
        id = ""
    if token != _token(context, id, sort):
        raise errors.invalid_request(f"Provided nextToken is invalid: {token}")
    return id


def _token(context: Context, id: str, sort: str) -> str:
    content = _FORMAT + id.encode()
    whose = "/".join((*scope(context), sort)).encode()
    return (content + blake2b(content + whose, digest_size=_DIGEST_BYTES).digest()).hex()


def table_named(context: Context, arn: str | None) -> str | None:
    """The name of the table whose jobs are listed; None for those of all. Raises ValidationException, and
    AccessDeniedException for another account's."""
    if arn is None:
        return None
    found = parse_table(arn)
    if found is None:
        raise errors.invalid_parameters("tableArn is not a valid ARN")
    if context.gate.place(context.principal, *found[:2])[0] != context.principal.account:
        raise errors.access_denied("Access is denied")
    return found[2]


def check_encryption(destination: Request) -> None:
    """How S3 is to encrypt what is written there. Raises ValidationException (EXPORT-005)."""
    if destination.get("S3SseKmsKeyId") is not None and destination.get("S3SseAlgorithm") != "KMS":
        raise errors.invalid_request("KMS Key Id is not supported for this encryption type")


async def refusal_of_s3(context: Context, demands: Sequence[tuple[str, str]]) -> str | None:
    """Why the principal may not do that in S3, by action and resource; None: he may. AWS begins the job all the same,
    and has it fail."""
    for action, resource in demands:
        try:
            await context.admit(ResourceDemand(action, f"arn:aws:s3:::{resource}"))
        except ClientError as fault:
            if fault.type != errors.ACCESS_DENIED:
                raise
            return fault.message
    return None
