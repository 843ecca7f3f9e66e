"""Key policies as requests give them."""

import re
from typing import Any

import orjson

from statordb.kms_api import errors
from statordb.model.kms_limits import POLICY_BYTES_MAX
from statordb.model.request import Principal

DEFAULT = "default"  # the only policy that a key has
_LOCKED_OUT = "The new key policy will not allow you to update the key policy in the future."


def check_name(name: str | None) -> None:
    """Raises NotFoundException."""
    if name not in (None, DEFAULT):
        raise errors.of("NotFoundException", "No such policy exists")


def check(text: str, principal: Principal, bypass: bool | None) -> None:
    """Raises MalformedPolicyDocumentException, LimitExceededException. `bypass`: the policy may shut everybody out."""
    if len(text.encode()) > POLICY_BYTES_MAX:
        raise errors.limit_exceeded(f"Policy size exceeds the limit of {POLICY_BYTES_MAX} bytes")
    statements = _statements(text)
    if not bypass and not any(_lets_in(statement, principal) for statement in statements):
        raise errors.malformed_policy(_LOCKED_OUT)


def _statements(text: str) -> list[dict[str, Any]]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise errors.malformed_policy("Policy document is not valid JSON.") from None
    statements = document.get("Statement") if isinstance(document, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise errors.malformed_policy("Policy document must have a Statement.")
    for statement in statements:
        if (
            not isinstance(statement, dict)
            or statement.get("Effect") not in ("Allow", "Deny")
            or not _one_of(statement, "Principal", "NotPrincipal")
            or not _one_of(statement, "Action", "NotAction")
            or not _one_of(statement, "Resource", "NotResource")
        ):
            raise errors.malformed_policy("A statement of the policy must have Effect, Principal, Action and Resource.")
    return statements


def _one_of(statement: dict[str, Any], member: str, other: str) -> bool:
    return (statement.get(member) is None) is not (statement.get(other) is None)


def _lets_in(statement: dict[str, Any], principal: Principal) -> bool:
    """Whether a statement allows PutKeyPolicy to who asks, or to the account, by what it says without conditions."""
    if statement["Effect"] != "Allow":
        return False
    actions = _listed(statement.get("Action"))
    named = statement.get("Principal")
    principals = _listed(named.get("AWS") if isinstance(named, dict) else named)
    account = principal.account
    ours = {"*", account, f"arn:aws:iam::{account}:root", principal.arn}
    return any(_covers(action) for action in actions) and not ours.isdisjoint(principals)


def _listed(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str)]


def _covers(action: str) -> bool:
    pattern = re.escape(action).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(pattern, "kms:PutKeyPolicy", re.IGNORECASE) is not None
