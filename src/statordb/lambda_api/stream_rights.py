"""Whether a function may be given the records of a stream: else who may only make mappings could read every table."""

from collections.abc import Mapping
from typing import Any

from statordb.commands.demands import StreamDemand
from statordb.commands.gate import Gate
from statordb.lambda_api import errors
from statordb.lambda_api.context import Context
from statordb.model.errors import ClientError
from statordb.model.request import NOWHERE, Origin, Principal
from statordb.store.functions.mappings import is_url
from statordb.store.identities import standing
from statordb.store.identities.authorities import authority_of, compile_of
from statordb.store.identities.identities import ROLE, named

# Of those that AWS asks for, the ones that are asked of a stream here.
_ACTIONS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")


async def must_be_readable(gate: Gate, context: Context, origin: Origin, given: Mapping[str, Any]) -> None:
    """Return if who makes a mapping, or gives it another function, may read its stream, or if the function's role may.
    Raises InvalidParameterValueException."""
    text = given.get("FunctionName")
    if context.operation not in ("CreateEventSourceMapping", "UpdateEventSourceMapping") or text is None:
        return
    principal = context.principal
    arn = given.get("EventSourceArn")
    if "UUID" in given:
        record = await context.store.mappings.find(principal.account, principal.region, given["UUID"])
        arn = None if record is None else record.stream_arn
    if arn is None or await _may_read(gate, principal, origin, arn):
        return
    role = None if is_url(text) else await _role_of(context, text)
    if role is None or not await _may_read(gate, role, NOWHERE, arn):
        raise errors.invalid_parameter(
            f"Cannot access stream {arn}. Please ensure the role can perform the GetRecords, GetShardIterator, "
            "DescribeStream, ListShards, and ListStreams Actions on your stream in IAM."
        )


async def _role_of(context: Context, text: str) -> Principal | None:
    """The role of a function, as who asks; None if there is none."""
    name = context.name(text)
    function = await context.store.functions.find(name.account, name.region, name.name)
    if function is None:
        return None
    role = await context.store.identities.one(name.account, named(ROLE, function.role.rpartition("/")[2]))
    if role is None or role.arn != function.role:
        return None
    stands = await standing.of_identity(context.store.identities, role)
    await compile_of(stands)
    return Principal(name.account, "", name.region, role.arn, authority_of(stands))


async def _may_read(gate: Gate, principal: Principal, origin: Origin, arn: str) -> bool:
    try:
        for action in _ACTIONS:
            demand = StreamDemand(action, arn)
            if not gate.admit(principal, origin, demand, {}):
                await gate.settle(principal, origin, demand, {})
    except ClientError:
        return False
    return True
