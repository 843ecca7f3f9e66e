"""Who asked, as an entry of the audit log tells it (CloudTrail user guide, "CloudTrail userIdentity element")."""

from collections.abc import Mapping
from typing import Any

from statordb.access.authority import FEDERATED, ROLE, Authority
from statordb.access.decision import principal_arn
from statordb.model.request import Principal
from statordb.server.audit.parameters import printable

_ISSUED = "aws:TokenIssueTime"
_SOURCE = "aws:SourceIdentity"
_PROVIDER = "aws:FederatedProvider"
_KINDS = ((":user/", "IAMUser"), (":assumed-role/", "AssumedRole"), (":federated-user/", "FederatedUser"))


def identity(principal: Principal | None, claimed: str, outcome: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """userIdentity. `claimed`: the access key id that a stranger named; `outcome`: of a request that nobody signs, what
    it came to."""
    if principal is None:
        return _stranger(claimed, outcome or {})
    arn = principal.arn
    kind = next((name for part, name in _KINDS if part in arn), "Root")
    key = printable(principal.access_key_id)
    told: dict[str, Any] = {"type": kind, "arn": arn, "accountId": principal.account, "accessKeyId": key}
    if kind == "IAMUser":
        told["userName"] = arn.rpartition("/")[2]
    who = principal.authority
    if isinstance(who, Authority):
        told["principalId"] = who.user_id
        if _ISSUED in who.facts:
            told["sessionContext"] = _session(who)
    elif kind == "Root":
        told["principalId"] = principal.account
    return told


def _stranger(claimed: str, outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Somebody without a key: of AssumeRoleWithWebIdentity who the token says it is."""
    if "Provider" not in outcome or "SubjectFromWebIdentityToken" not in outcome:
        return {"type": "Unknown", "accessKeyId": claimed}
    provider = str(outcome["Provider"])
    subject = printable(str(outcome["SubjectFromWebIdentityToken"]))
    audience = printable(str(outcome.get("Audience", "")))
    return {
        "type": "WebIdentityUser",
        "principalId": f"{provider}:{audience}:{subject}",
        "userName": subject,
        "identityProvider": provider,
    }


def _session(who: Authority) -> dict[str, Any]:
    """Of what a session is, and since when."""
    context: dict[str, Any] = {"attributes": {"creationDate": who.facts[_ISSUED], "mfaAuthenticated": "false"}}
    arn = principal_arn(who)
    if who.kind == ROLE:
        context["sessionIssuer"] = {
            "type": "Role",
            "principalId": who.user_id.partition(":")[0],
            "arn": arn,
            "accountId": who.account,
            "userName": arn.rpartition("/")[2],
        }
    elif who.kind == FEDERATED:
        context["sessionIssuer"] = {"accountId": who.account}
    if _PROVIDER in who.facts:
        context["webIdFederationData"] = {"federatedProvider": who.facts[_PROVIDER], "attributes": {}}
    if _SOURCE in who.facts:
        context["sourceIdentity"] = who.facts[_SOURCE]
    return context
