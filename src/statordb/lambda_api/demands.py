"""What has to be allowed for a request of Lambda's API.

Which actions and resources those are: service authorization reference, "Actions, resources, and condition keys for AWS
Lambda".
"""

from collections.abc import Iterator
from typing import Any

from statordb.commands.demands import EVERYTHING, ResourceDemand
from statordb.lambda_api import names
from statordb.lambda_api.context import Context, action_of

_GIVES_A_ROLE = frozenset(("CreateFunction", "UpdateFunctionConfiguration"))
_OF_THE_ACCOUNT = frozenset(("CreateEventSourceMapping", "ListEventSourceMappings"))


def demands(context: Context, given: dict[str, Any]) -> Iterator[ResourceDemand]:
    """`given`: the members of the request. Raises LambdaError for what is no name of a function."""
    yield ResourceDemand(action_of(context.operation), _resource(context, given))
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
    if ":event-source-mapping:" in text:
        return str(text)
    return names.parse(text, principal.account, principal.region, given.get("Qualifier")).qualified_arn
