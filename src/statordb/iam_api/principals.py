"""Whom a trust policy names: users and roles have to be there when it is given.

Source: IAM user guide, "AWS JSON policy elements: Principal".
"""

import re

from statordb.access.document import Kind, compile_policy
from statordb.iam_api import errors
from statordb.iam_api.context import Context
from statordb.store.identities.identities import ROLE, USER, named

_ACCOUNT = re.compile(r"[0-9]{12}|arn:aws:iam::[0-9]{12}:root", re.ASCII)
_IDENTITY = re.compile(r"arn:aws:iam::([0-9]{12}):(user|role)/(?:[\x21-\x7e]+/)?([\w+=,.@-]{1,64})", re.ASCII)
_SESSION = re.compile(
    r"arn:aws:sts::[0-9]{12}:(?:assumed-role/[\w+=,.@-]{1,64}|federated-user)/[\w+=,.@-]{1,64}", re.ASCII
)
_SERVICE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?", re.ASCII)


async def must_be_valid(context: Context, document: str) -> None:
    """`document`: one that can be compiled. Raises MalformedPolicyDocument."""
    seen: set[tuple[str, str]] = set()
    for statement in compile_policy(document, Kind.TRUST).statements:
        for kind, names in (statement.principals or {}).items():
            seen.update((kind, name) for name in names)
    for kind, name in sorted(seen):
        if not await _is_valid(context, kind, name):
            raise errors.malformed_policy(f'Invalid principal in policy: "{kind.upper()}":"{name}"')


async def _is_valid(context: Context, kind: str, name: str) -> bool:
    if kind == "Service":
        return name == "*" or _SERVICE.fullmatch(name) is not None
    if kind != "AWS" or name == "*" or _ACCOUNT.fullmatch(name) or _SESSION.fullmatch(name):
        return True
    found = _IDENTITY.fullmatch(name)
    if found is None:
        return False
    sort = USER if found[2] == "user" else ROLE
    identity = await context.store.identities.one(found[1], named(sort, found[3]))
    return identity is not None and bool(identity.arn == name)
