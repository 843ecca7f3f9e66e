"""Whether a role that a function is to have trusts functions: who may pass roles must not pass those of people."""

from collections.abc import Mapping
from typing import Any

from statordb.access.authority import Authority
from statordb.access.decision import Wanted, decide
from statordb.access.document import Kind, compile_policy
from statordb.lambda_api import errors
from statordb.lambda_api.context import Context
from statordb.store.identities.identities import ROLE, named

_SERVICE = "lambda.amazonaws.com"
_ALL = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'


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
    service = Authority("service", _SERVICE, "", "", policies=(compile_policy(_ALL),))  # of no account
    wanted = Wanted("sts:AssumeRole", arn, account, compile_policy(role.trust, Kind.TRUST))
    if not decide(service, wanted, {"aws:sourceaccount": (account,)}).allowed:
        raise errors.invalid_parameter("The role defined for the function cannot be assumed by Lambda.")
