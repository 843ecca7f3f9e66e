"""Tags of functions and of event source mappings."""

import re
from collections.abc import Callable
from dataclasses import replace

from statordb.lambda_api import errors
from statordb.lambda_api.context import Context
from statordb.model.function_limits import FUNCTION_TAGS_MAX
from statordb.store.functions.catalog import FunctionRecord
from statordb.store.functions.mappings import MappingRecord
from statordb.store.terms import Refused

Tags = dict[str, str]
Change = Callable[[Tags], Tags]

_ARN = re.compile(r"arn:aws[a-zA-Z-]*:lambda:(?P<region>[^:]+):(?P<account>[0-9]{12}):(?P<kind>[a-z-]+):(?P<id>.+)")


def check_tags(tags: Tags) -> None:
    """Raises InvalidParameterValueException."""
    if len(tags) > FUNCTION_TAGS_MAX:
        raise errors.invalid_parameter(
            f"Number of tags exceeds resource tag limit. Number of tags : {len(tags)}, limit : {FUNCTION_TAGS_MAX}"
        )
    for key in tags:
        if key.lower().startswith("aws:"):
            raise errors.invalid_parameter(f"Tag keys starting with 'aws:' are reserved for internal use: {key}")


def mapping_named(text: str) -> tuple[str, str, str] | None:
    """Region, account and UUID of the event source mapping of an ARN; None for what is none."""
    named = _ARN.fullmatch(text)
    if named is None or named["kind"] != "event-source-mapping":
        return None
    return named["region"], named["account"], named["id"]


async def tagged(context: Context, arn: str) -> FunctionRecord | MappingRecord:
    """The function, or the event source mapping, of an ARN.

    Raises ResourceNotFoundException, AccessDeniedException, InvalidParameterValueException for what has no tags here.
    """
    named = _ARN.fullmatch(arn)
    if named is not None and named["kind"] == "function":
        return await _function(context, arn)
    if named is not None and named["kind"] == "event-source-mapping":
        return await _mapping(context, arn, named)
    raise errors.invalid_parameter(
        f"Tags of {arn} are not supported by this server: functions and event source mappings only."
    )


async def retag(context: Context, arn: str, change: Change) -> None:
    """Alter the tags of what an ARN names; raises what `tagged` does."""
    record = await tagged(context, arn)
    if isinstance(record, FunctionRecord):
        await _retag_function(context, record, change)
    else:
        await _retag_mapping(context, record, change)


async def _function(context: Context, arn: str) -> FunctionRecord:
    if context.name(arn).qualifier is not None:
        raise errors.invalid_parameter(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    return await context.function(arn)


async def _mapping(context: Context, arn: str, named: re.Match[str]) -> MappingRecord:
    principal = context.principal
    context.must_own(named["account"], arn)
    record = None
    if named["region"] == principal.region:
        record = await context.store.mappings.find(principal.account, principal.region, named["id"])
    if record is None:
        raise errors.nothing_set()
    return record


async def _retag_function(context: Context, record: FunctionRecord, change: Change) -> None:
    def retagged(current: FunctionRecord | None) -> FunctionRecord | Refused:
        if current is None:
            return Refused(errors.function_not_found(record.arn))
        try:
            return replace(current, tags=_changed(current.tags, change))
        except errors.LambdaError as fault:
            return Refused(fault)

    changed = await context.store.functions.change(record.account, record.region, record.name, retagged)
    if isinstance(changed, Refused):
        raise changed.reason


async def _retag_mapping(context: Context, record: MappingRecord, change: Change) -> None:
    def retagged(current: MappingRecord) -> MappingRecord:
        return replace(current, tags=_changed(current.tags, change))

    if await context.store.mappings.change(record, retagged) is None:
        raise errors.nothing_set()


def _changed(tags: Tags, change: Change) -> Tags:
    changed = change(tags)
    check_tags(changed)
    return changed
