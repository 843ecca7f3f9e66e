"""What STS's operations share: how long a session lasts, what it may at most, and how it is shown."""

from collections.abc import Mapping, Sequence
from typing import Any

from statordb.access import authority
from statordb.iam_api import documents, errors
from statordb.iam_api.context import Answer, Context, Request
from statordb.model.credential import Credential
from statordb.model.errors import unrecognized_client
from statordb.model.identity_limits import (
    ROOT_SESSION_SECONDS_MAX,
    SESSION_POLICIES_MAX,
    SESSION_POLICY_CHARACTERS_MAX,
    SESSION_TAGS_MAX,
    USER_SESSION_SECONDS,
)
from statordb.store.access_keys import ROOT, KeyRecord


async def key_of(context: Context) -> KeyRecord | None:
    """The key that signed; None for one of the account's root that is not in the store, and where nobody checks who
    signs. Raises InvalidClientTokenId for one that was deleted meanwhile: it must not pass for root's."""
    if context.principal.authority is None:
        return None
    found = await context.credentials.find(context.principal.access_key_id)
    if found is None and context.authority.kind != authority.ROOT:
        raise errors.of_wire(unrecognized_client())
    return found


def owner_of(key: KeyRecord | None) -> tuple[str, str]:
    """The name and the id of the user whose key it is: ROOT and "" of the account's root."""
    return (ROOT, "") if key is None else (key.user, key.owner)


def must_be_long_term(key: KeyRecord | None, operation: str) -> None:
    if key is not None and key.session is not None:
        raise errors.access_denied(f"Cannot call {operation} with session credentials")


def user_seconds(request: Request, owner: str) -> float:
    """How long a session of a user lasts, or (without an id) of the account's root."""
    seconds = float(request.get("DurationSeconds", USER_SESSION_SECONDS))
    return seconds if owner else min(seconds, ROOT_SESSION_SECONDS_MAX)


async def policies(context: Context, account: str, request: Request) -> list[str] | None:
    """The documents of the session policies that are given; None if there are none. Raises MalformedPolicyDocument,
    PackedPolicyTooLarge."""
    document, arns = request.get("Policy"), [each.get("arn", "") for each in request.get("PolicyArns", ())]
    if document is None and not arns:
        return None
    if len(arns) > SESSION_POLICIES_MAX:
        raise errors.validation(f"A session has at most {SESSION_POLICIES_MAX} managed policies.")
    if document is not None and len(document) > SESSION_POLICY_CHARACTERS_MAX:
        raise errors.policy_too_large(
            f"A session policy has at most {SESSION_POLICY_CHARACTERS_MAX} characters; this one has {len(document)}."
        )
    found = [] if document is None else [documents.check(document)]
    for arn in arns:
        policy = await context.store.identities.policy(account, arn)
        if policy is None:
            raise errors.malformed_policy(f"The managed policy {arn} does not exist.")
        found.append(policy.document)
    return found


def tags(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Session tags of a request by their keys. Raises InvalidParameterValue."""
    found: dict[str, str] = {}
    for tag in given:
        if tag["Key"].lower() in map(str.lower, found):
            raise errors.invalid_parameter("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
        found[tag["Key"]] = tag["Value"]
    if len(found) > SESSION_TAGS_MAX:
        raise errors.validation(f"A session has at most {SESSION_TAGS_MAX} tags.")
    return found


def packed_percent(request: Request) -> int | None:
    """How much of what AWS allows the session's policies and tags take; None if there are none."""
    size = len(request.get("Policy", "")) + sum(len(tag["Key"]) + len(tag["Value"]) for tag in request.get("Tags", ()))
    return min(100, -(-size * 100 // SESSION_POLICY_CHARACTERS_MAX)) if size else None


def shown(made: Credential) -> Answer:
    described: dict[str, Any] = {
        "AccessKeyId": made.access_key_id,
        "SecretAccessKey": made.secret,
        "SessionToken": made.session_token,
        "Expiration": made.expires,
    }
    return described
