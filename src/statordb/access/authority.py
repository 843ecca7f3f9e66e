"""What an identity may do, by the policies that it has: put together when its key is looked up."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from statordb.access.document import Policy, compile_policy
from statordb.model.identity import Identity

Facts = Mapping[str, str | tuple[str, ...]]
"""Values of condition keys; of one value as a string, of several, or none, as a tuple."""

NO_FACTS: Facts = MappingProxyType({})
ROOT, USER, ROLE, FEDERATED = "root", "user", "role", "federated"


class Authority(NamedTuple):
    """An identity with its policies; see `model.identity.Identity` for the first five.

    policies  identity-based ones: its own, those of its groups, and the managed ones of both.
    boundary  None if it has none.
    session   those given when the session was made; None if none were given, () if nothing is allowed for lack of one.
    facts     values of condition keys that stay as they are while the key is known: aws:PrincipalTag/NAME,
              aws:TokenIssueTime, aws:MultiFactorAuthPresent; of a role's session aws:PrincipalArn, the role's ARN.

    The root of an account has no policies, and may do everything in it.
    """

    kind: str
    arn: str
    account: str
    user_id: str
    name: str = ""
    policies: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None
    facts: Facts = NO_FACTS


def root_of(account: str) -> Authority:
    """The authority of an account's root, which keys and principals without one have."""
    return Authority(ROOT, f"arn:aws:iam::{account}:root", account, account)


def of(identity: Identity | None, account: str) -> Authority:
    """What a principal of an account may do."""
    if identity is None:
        return root_of(account)
    if not isinstance(identity, Authority):  # else it might pass for the root
        raise TypeError("an identity without policies")
    return identity


def text_of(policy: object) -> str:
    """The document of a policy that other rooms hand on without knowing what it is."""
    if not isinstance(policy, Policy):  # else it might be lost, and whatever it refuses be allowed
        raise TypeError("no policy")
    return policy.text


def pack(identity: Identity) -> list[Any]:
    """An authority as what can be written as JSON, and `unpack`ed in another process."""
    *who, policies, boundary, session, facts = of(identity, identity.account)
    return [
        who,
        [policy.text for policy in policies],
        None if boundary is None else boundary.text,
        None if session is None else [policy.text for policy in session],
        dict(facts),
    ]


def unpack(packed: list[Any]) -> Authority:
    """What was packed. Raises MalformedPolicy for what no authority ever had."""
    who, policies, boundary, session, facts = packed
    kind, arn, account, user_id, name = who
    return Authority(
        kind,
        arn,
        account,
        user_id,
        name,
        tuple(map(compile_policy, policies)),
        None if boundary is None else compile_policy(boundary),
        None if session is None else tuple(map(compile_policy, session)),
        {key: value if isinstance(value, str) else tuple(value) for key, value in facts.items()},
    )
