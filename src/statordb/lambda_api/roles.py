"""Whether a role that a function is to have trusts functions: who may pass roles must not pass those of people."""

from collections.abc import Mapping
from typing import Any

from statordb.lambda_api import errors
from statordb.lambda_api.context import Context
from statordb.store.identities.functions import trusts_functions
from statordb.store.identities.identities import ROLE, named


async def must_trust_functions(context: Context, given: Mapping[str, Any]) -> None:
    """Raises InvalidParameterValueException for a role that is there and does not let Lambda assume it. One that is not
    there may nothing, whoever has it."""
    arn = given.get("Role")
    if context.operation not in ("CreateFunction", "UpdateFunctionConfiguration") or arn is None:
        return
    account = context.principal.account
    role = await context.store.identities.one(account, named(ROLE, arn.rpartition("/")[2]))
    if role is None or role.arn != arn:
        return
    if not trusts_functions(role):
        raise errors.invalid_parameter("The role defined for the function cannot be assumed by Lambda.")
