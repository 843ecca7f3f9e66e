"""Condition keys of a request of IAM's or STS's API. Source: IAM user guide, "AWS global condition context keys", and
the service authorization references of both."""

from collections.abc import Mapping
from datetime import UTC, datetime

from statordb.access.authority import ROLE, ROOT, USER, Authority
from statordb.access.decision import principal_arn
from statordb.access.facts import Values
from statordb.model.request import Origin, Principal

Facts = dict[str, Values]

_TYPES = {ROOT: "Account", USER: "User", ROLE: "AssumedRole"}  # aws:PrincipalType


def of_request(principal: Principal, who: Authority, origin: Origin, now: float) -> Facts:
    """What is known of every request, by keys in lower case. `now`: seconds since the epoch."""
    facts: Facts = {
        "aws:currenttime": (datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),),
        "aws:epochtime": (str(int(now)),),
        "aws:securetransport": ("true" if origin.secure else "false",),
        "aws:requestedregion": (principal.region,),
        "aws:principalisawsservice": ("false",),
        "aws:viaawsservice": ("false",),
    }
    for key, value in (
        ("aws:sourceip" if origin.endpoint is None else "aws:vpcsourceip", origin.address),
        ("aws:sourcevpce", origin.endpoint),
        ("aws:sourcevpc", origin.vpc),
        ("aws:useragent", origin.agent),
        ("aws:referer", origin.referer),
    ):
        if value:
            facts[key] = (value,)
    return {**facts, **of_identity(who)}


def of_identity(who: Authority) -> Facts:
    """Of who asks."""
    facts: Facts = {
        "aws:principalaccount": (who.account,),
        "aws:principalarn": (principal_arn(who),),
        "aws:principaltype": (_TYPES.get(who.kind, "FederatedUser"),),
        "aws:userid": (who.user_id,),
    }
    if who.name:
        facts["aws:username"] = (who.name,)
    for key, value in who.facts.items():
        facts[key.lower()] = (value,) if isinstance(value, str) else tuple(value)
    return facts


def of_resource(tags: Mapping[str, str], boundary: str = "") -> Facts:
    """Of an identity or a policy that is there."""
    facts: Facts = {
        f"{service}:resourcetag/{key.lower()}": (value,) for key, value in tags.items() for service in ("aws", "iam")
    }
    return {**facts, **of_boundary(boundary)}


def of_tags(tags: Mapping[str, str]) -> Facts:
    """Of tags that a request gives."""
    if not tags:
        return {}
    facts: Facts = {f"aws:requesttag/{key.lower()}": (value,) for key, value in tags.items()}
    return {**facts, "aws:tagkeys": tuple(tags)}


def of_boundary(arn: str) -> Facts:
    return {"iam:permissionsboundary": (arn,)} if arn else {}


def of_policy(arn: str) -> Facts:
    """Of a managed policy that is to be attached, or detached."""
    return {"iam:policyarn": (arn,)}
