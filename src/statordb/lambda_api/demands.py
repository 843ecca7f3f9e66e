"""What has to be allowed for a request of Lambda's API.

Which actions and resources those are: service authorization reference, "Actions, resources, and condition keys for AWS
Lambda".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from statordb.commands.demands import EVERYTHING, ResourceDemand
from statordb.commands.key_permission import named, of_tags
from statordb.lambda_api import names
from statordb.lambda_api.context import Context, action_of
from statordb.lambda_api.tags import mapping_named
from statordb.store.functions.catalog import FunctionRecord
from statordb.store.functions.mappings import MappingRecord, is_url

_GIVES_A_ROLE = frozenset(("CreateFunction", "UpdateFunctionConfiguration"))
_OF_THE_ACCOUNT = frozenset(("CreateEventSourceMapping", "ListEventSourceMappings"))
# What can be done with a version, or an alias, by itself. All else is done with the function, however it is named.
_OF_VERSIONS = frozenset(("GetFunction", "GetFunctionConfiguration", "GetPolicy", "Invoke"))
_MAKES = frozenset(("CreateFunction", "CreateEventSourceMapping"))

Facts = dict[str, tuple[str, ...]]


def demands(context: Context, given: dict[str, Any]) -> Iterator[ResourceDemand]:
    """`given`: the members of the request. Raises LambdaError for what is no name of a function."""
    arn = _resource(context, given)
    yield ResourceDemand(action_of(context.operation), arn)
    if context.operation in _MAKES and given.get("Tags"):
        principal = context.principal
        mappings = f"arn:aws:lambda:{principal.region}:{principal.account}:event-source-mapping:*"
        yield ResourceDemand("lambda:TagResource", mappings if arn == EVERYTHING else arn)
    role = given.get("Role")
    if role is not None and context.operation in _GIVES_A_ROLE:  # what the function may do, who gives it could do
        yield ResourceDemand("iam:PassRole", role)


def _resource(context: Context, given: dict[str, Any]) -> str:
    principal = context.principal
    if context.operation in _OF_THE_ACCOUNT:
        return EVERYTHING
    if "UUID" in given:
        return f"arn:aws:lambda:{principal.region}:{principal.account}:event-source-mapping:{given['UUID']}"
    text = given.get("FunctionName") or given.get("Resource")
    if text is None:
        return EVERYTHING
    mapping = mapping_named(text)
    if mapping is not None:
        region, account, uuid = mapping
        return f"arn:aws:lambda:{region}:{account}:event-source-mapping:{uuid}"
    name = names.parse(text, principal.account, principal.region, given.get("Qualifier"))
    return name.qualified_arn if context.operation in _OF_VERSIONS else name.arn


async def informed(context: Context, demand: ResourceDemand, given: Mapping[str, Any]) -> ResourceDemand:
    """A demand with its condition keys: tags of the request, those of what it is about, and the function of a
    mapping."""
    if demand.action == "iam:PassRole":
        return demand
    facts: Facts = of_tags(given.get("Tags") or {})
    if "TagKeys" in given:
        facts["aws:tagkeys"] = tuple(given["TagKeys"])
    record = await _record(context, demand.arn)
    if record is not None:
        facts |= named("aws:resourcetag/", record.tags)
    principal = context.principal
    function = given.get("FunctionName") if context.operation == "CreateEventSourceMapping" else None
    if isinstance(record, MappingRecord):
        function = given.get("FunctionName") or record.function
    if function is not None and not is_url(function):
        facts["lambda:functionarn"] = (names.parse(function, principal.account, principal.region).arn,)
    return demand._replace(facts=facts)


async def _record(context: Context, arn: str) -> FunctionRecord | MappingRecord | None:
    """What a request is about, of the account that asks; None if there is nothing of the kind."""
    if arn == EVERYTHING:
        return None
    _, _, _, region, account, kind, id, *_ = arn.split(":")
    if (account, region) != (context.principal.account, context.principal.region):
        return None
    if kind == "function":
        return await context.store.functions.find(account, region, id)
    return await context.store.mappings.find(account, region, id)
