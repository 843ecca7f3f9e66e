"""Managed policies that requests name by their ARNs."""

from collections.abc import Sequence

from statordb.iam_api import documents, errors
from statordb.iam_api.context import Context
from statordb.model.identity_limits import POLICY_CHARACTERS_MAX
from statordb.store.identities import aws_policies
from statordb.store.identities.identities import READ_AT_ONCE_MAX, use
from statordb.store.identities.records import PolicyRecord, UseRecord


async def policy_of(context: Context, arn: str) -> PolicyRecord:
    """The policy of an ARN, the account's own or AWS's. Raises AccessDenied, NoSuchEntity."""
    context.demand(arn)
    found = await context.store.identities.policy(context.account, arn)
    if found is None:
        raise errors.no_such_entity(f"Policy {arn} was not found.")
    return found


async def own_policy(context: Context, arn: str) -> PolicyRecord:
    """The same of one that may be changed."""
    found = await policy_of(context, arn)
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
