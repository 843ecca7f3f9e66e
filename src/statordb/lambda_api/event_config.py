"""How asynchronous invocations of a function are treated, as Lambda's API sets and shows it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from statordb.lambda_api import errors
from statordb.lambda_api.context import Context, Request
from statordb.outbound.destinations import is_function
from statordb.store.functions.catalog import LATEST, FunctionRecord
from statordb.store.functions.event_config import OPTION
from statordb.store.terms import Refused

_MEMBERS = ("DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts")


def shown(record: FunctionRecord) -> dict[str, Any] | None:
    """FunctionEventInvokeConfig of the service model; None where nothing was set."""
    set_ = record.options.get(OPTION)
    if set_ is None:
        return None
    return {
        "FunctionArn": f"{record.arn}:{LATEST}",
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}},
        **set_,
    }


async def configured(context: Context, request: Request) -> dict[str, Any]:
    """What is set for the request's function. Raises ResourceNotFoundException where nothing is."""
    record = await context.function(request["FunctionName"], request.get("Qualifier"))
    config = shown(record)
    if config is None:
        raise errors.not_found(f"The function {record.arn}:{LATEST} doesn't have an EventInvokeConfig")
    return config


async def changed(context: Context, request: Request, *, keep: bool) -> dict[str, Any]:
    """Set what a request gives; `keep`: and leave the rest as it is."""
    given = {name: request[name] for name in _MEMBERS if name in request}
    if not given:
        raise errors.invalid_parameter("You must specify at least one of error handling or destination setting.")
    record = await context.function(request["FunctionName"], request.get("Qualifier"))
    for end in given.get("DestinationConfig", {}).values():
        await _must_reach(context, record, end.get("Destination", ""))
    given["LastModified"] = context.now()
    after = await _alter(context, record, lambda before: {**(before or {}), **given} if keep else given)
    config = shown(after)
    assert config is not None
    return config


async def _must_reach(context: Context, record: FunctionRecord, destination: str) -> None:
    """Raises InvalidParameterValueException unless records can be sent there. It may be another function."""
    if not is_function(destination):
        context.must_reach(destination)
        return
    invalid = errors.invalid_parameter(f"The destination ARN {destination} is invalid.")
    try:
        target = await context.function(destination)
    except errors.LambdaError:
        raise invalid from None
    if target.arn == record.arn:
        raise errors.invalid_parameter("A function can't be its own destination: it would run without end.")


async def removed(context: Context, request: Request) -> None:
    record = await context.function(request["FunctionName"], request.get("Qualifier"))
    await _alter(context, record, lambda before: None)


async def _alter(
    context: Context, record: FunctionRecord, alter: Callable[[dict[str, Any] | None], dict[str, Any] | None]
) -> FunctionRecord:
    def change(current: FunctionRecord | None) -> FunctionRecord | Refused:
        if current is None:
            return Refused(None)
        options = {name: value for name, value in current.options.items() if name != OPTION}
        set_ = alter(current.options.get(OPTION))
        return replace(current, options=options if set_ is None else {**options, OPTION: set_})

    after = await context.store.functions.change(record.account, record.region, record.name, change)
    if not isinstance(after, FunctionRecord):
        raise errors.function_not_found(record.arn)
    return after
