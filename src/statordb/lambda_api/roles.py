"""Whether a role that a function is to have trusts functions: who may pass roles must not pass those of people."""

from collections.abc import Mapping
from typing import Any

from statordb.lambda_api import errors
from statordb.lambda_api.context import Context
from statordb.store.identities.functions import trusts_functions
from statordb.store.identities.identities import ROLE, named

_GIVES_A_ROLE = ("CreateFunction", "UpdateFunctionConfiguration")


def must_be_own(context: Context, given: Mapping[str, Any]) -> None:
    """Raises AccessDeniedException for a role of another account than the function's."""
    arn = given.get("Role")
    if context.operation in _GIVES_A_ROLE and arn is not None and arn.split(":")[4:5] != [context.principal.account]:
        raise errors.access_denied("Cross-account pass role is not allowed.")


async def must_trust_functions(context: Context, given: Mapping[str, Any]) -> None:
    """Raises InvalidParameterValueException for a role that is there and does not let Lambda assume it. One that is not
    there may nothing, whoever has it."""
    arn = given.get("Role")
    if context.operation not in _GIVES_A_ROLE or arn is None:
        return
    account = context.principal.account
    role = await context.store.identities.one(account, named(ROLE, arn.rpartition("/")[2]))
    if role is None or role.arn != arn:
        return
    if not trusts_functions(role):
        raise errors.invalid_parameter("The role defined for the function cannot be assumed by Lambda.")
