"""Whether a function may be given the records of a stream: else who may only make mappings could read every table."""

from collections.abc import Mapping
from typing import Any

from statordb.commands.gate import Gate
from statordb.commands.stream_readers import may_read, role_of_function
from statordb.lambda_api import errors
from statordb.lambda_api.context import Context
from statordb.model.request import Origin
from statordb.store.functions.mappings import is_url


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
    if arn is None or await may_read(gate, principal, arn, origin):
        return
    if is_url(text) or not await _role_may_read(gate, context, text, arn):
        raise errors.invalid_parameter(
            f"Cannot access stream {arn}. Please ensure the role can perform the GetRecords, GetShardIterator, "
            "DescribeStream, ListShards, and ListStreams Actions on your stream in IAM."
        )


async def _role_may_read(gate: Gate, context: Context, text: str, arn: str) -> bool:
    """Whether the role of a function may."""
    name = context.name(text)
    function = await context.store.functions.find(name.account, name.region, name.name)
    if function is None:
        return False
    role = await role_of_function(context.store.identities, name.account, name.region, function.role)
    return role is not None and await may_read(gate, role, arn)
