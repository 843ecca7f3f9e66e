"""Managed policies that requests name by their ARNs."""

from collections.abc import Sequence

from statordb.iam_api import documents, errors, facts
from statordb.iam_api.context import Context
from statordb.iam_api.facts import Facts
from statordb.model.identity_limits import POLICY_CHARACTERS_MAX
from statordb.store.identities import aws_policies
from statordb.store.identities.identities import READ_AT_ONCE_MAX, use
from statordb.store.identities.records import PolicyRecord, UseRecord

_NO_FACTS: Facts = {}


async def spelled(context: Context, arn: str) -> str:
    """The ARN of a policy as the policy has it, for conditions: requests may have it in any case."""
    found = await context.store.identities.policy(context.account, arn) if arn else None
    return arn if found is None else found.arn


async def policy_of(context: Context, arn: str, more: Facts = _NO_FACTS) -> PolicyRecord:
    """The policy of an ARN, the account's own or AWS's. Raises AccessDenied, NoSuchEntity."""
    found = await context.store.identities.policy(context.account, arn)
    of_policy = facts.of_resource(found.tags) if found else {}
    await context.demand(found.arn if found else arn, {**of_policy, **more})
    if found is None:
        raise errors.no_such_entity(f"Policy {arn} was not found.")
    return found


async def own_policy(context: Context, arn: str, more: Facts = _NO_FACTS) -> PolicyRecord:
    """The same of one that may be changed."""
    found = await policy_of(context, arn, more)
    if found.account == aws_policies.ACCOUNT:
        raise errors.access_denied("Cannot perform the operation on the protected policy.")
    return found


async def uses_of(context: Context, policies: Sequence[PolicyRecord]) -> dict[str, UseRecord]:
    """How often each is used, by its ARN."""
    arns = [policy.arn for policy in policies]
    found: list[UseRecord | None] = []
    for start in range(0, len(arns), READ_AT_ONCE_MAX):
        rows = map(use, arns[start : start + READ_AT_ONCE_MAX])
        found += await context.store.identities.find(context.account, *rows)
    return {arn: used or UseRecord() for arn, used in zip(arns, found, strict=True)}


def must_fit(document: str) -> None:
    if documents.characters(document) > POLICY_CHARACTERS_MAX:
        raise errors.quota("PolicySize", POLICY_CHARACTERS_MAX)
