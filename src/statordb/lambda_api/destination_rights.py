"""Whether records of a function may be sent where somebody wants them: else who may only set destinations could send to
every queue and call every function.

Source: Lambda's developer guide, "Retaining records of asynchronous invocations" and "Retain discarded batch records".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from statordb.commands.demands import ResourceDemand
from statordb.commands.gate import Gate, admit_call
from statordb.commands.stream_readers import role_of_function
from statordb.lambda_api import errors
from statordb.lambda_api.context import Context
from statordb.model.errors import ClientError
from statordb.model.request import NOWHERE, Origin, Principal
from statordb.store.functions.mappings import is_url

_SETS = frozenset((
    "CreateEventSourceMapping", "UpdateEventSourceMapping", "PutFunctionEventInvokeConfig",
    "UpdateFunctionEventInvokeConfig",
))  # fmt: skip
_ACTIONS = {
    "sqs": ("sqs:SendMessage", "SendMessage on SQS"),
    "sns": ("sns:Publish", "Publish on SNS"),
    "lambda": ("lambda:InvokeFunction", "InvokeFunction on Lambda"),
}
"""By the service of a destination's ARN: what is asked of IAM, and how it is told. Others go where settings allow."""


async def must_be_sendable(gate: Gate, context: Context, origin: Origin, given: Mapping[str, Any]) -> None:
    """Return if who sets destinations, or the function's role, may send to each. Raises
    InvalidParameterValueException."""
    if context.operation not in _SETS:
        return
    for arn in _destinations(given):
        action, told = _ACTIONS.get(arn.split(":")[2], ("", ""))
        demand = ResourceDemand(action, arn)
        if not action or await _may(gate, context.principal, origin, demand):
            continue
        role = await _role(context, given)
        if role is None or not await _may(gate, role, NOWHERE, demand):
            raise errors.invalid_parameter(f"The function execution role does not have permissions to call {told}")


def _destinations(given: Mapping[str, Any]) -> Iterator[str]:
    for end in (given.get("DestinationConfig") or {}).values():
        text = (end or {}).get("Destination") or ""
        if text.startswith("arn:") and text.count(":") >= 5:
            yield text


async def _role(context: Context, given: Mapping[str, Any]) -> Principal | None:
    """The role of the function whose records they are."""
    text, asker = given.get("FunctionName"), context.principal
    if text is None and "UUID" in given:
        mapping = await context.store.mappings.find(asker.account, asker.region, given["UUID"])
        text = None if mapping is None else mapping.function
    if text is None or is_url(text):
        return None
    name = context.name(text)
    function = await context.store.functions.find(name.account, name.region, name.name)
    if function is None:
        return None
    return await role_of_function(context.store.identities, name.account, name.region, function.role)


async def _may(gate: Gate, principal: Principal, origin: Origin, demand: ResourceDemand) -> bool:
    try:
        await admit_call(gate, principal, origin, demand)
    except ClientError:
        return False
    return True
