"""Tags of functions."""

from collections.abc import Callable
from dataclasses import replace

from statordb.engine.contract import Refused
from statordb.functions import faults
from statordb.functions.context import Context
from statordb.model.function_limits import FUNCTION_TAGS_MAX
from statordb.store.functions import FunctionRecord

Tags = dict[str, str]

_FUNCTION = ":function:"


def check_tags(tags: Tags) -> None:
    """Raises InvalidParameterValueException."""
    if len(tags) > FUNCTION_TAGS_MAX:
        raise faults.invalid_parameter(
            f"Number of tags exceeds resource tag limit. Number of tags : {len(tags)}, limit : {FUNCTION_TAGS_MAX}"
        )
    for key in tags:
        if key.lower().startswith("aws:"):
            raise faults.invalid_parameter(f"Tag keys starting with 'aws:' are reserved for internal use: {key}")


async def tagged(context: Context, arn: str) -> FunctionRecord:
    """The function of an ARN. Raises InvalidParameterValueException for what is none."""
    if _FUNCTION not in arn:
        raise faults.invalid_parameter(f"Tags of {arn} are not supported by this server: functions only.")
    name = context.name(arn)
    if name.qualifier is not None:
        raise faults.invalid_parameter(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    return await context.function(arn)


async def retag(context: Context, record: FunctionRecord, change_tags: Callable[[Tags], Tags]) -> None:
    """Alter a function's tags; raises ResourceNotFoundException, InvalidParameterValueException."""

    def change(current: FunctionRecord | None) -> FunctionRecord | Refused:
        if current is None:
            return Refused(faults.function_not_found(record.arn))
        tags = change_tags(current.tags)
        try:
            check_tags(tags)
        except faults.Fault as fault:
            return Refused(fault)
        return replace(current, tags=tags)

    changed = await context.store.functions.change(record.account, record.region, record.name, change)
    if isinstance(changed, Refused):
        raise changed.reason
