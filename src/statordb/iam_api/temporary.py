"""What may be called with which temporary keys.

Those that somebody with a long-term key was given for themselves, or gave to a federated user, must not become lasting
ones. Source: IAM user guide, "Compare AWS STS credentials"; there are no second factors here, which lift the first of
these bounds.
"""

from statordb.access.authority import FEDERATED, ROLE, Authority
from statordb.iam_api import errors
from statordb.model.errors import unrecognized_client

_OF_ALL = "GetCallerIdentity"
_OF_USERS = frozenset((_OF_ALL, "AssumeRole"))
_ISSUED = "aws:TokenIssueTime"


def must_be_callable(service: str, operation: str, who: Authority) -> None:
    """Return if who asks may call that with such keys at all. Raises InvalidClientTokenId, AccessDenied."""
    if _ISSUED not in who.facts or who.kind == ROLE:
        return
    if service != "sts":
        raise errors.of_wire(unrecognized_client())
    if operation != _OF_ALL and (who.kind == FEDERATED or operation not in _OF_USERS):
        raise errors.access_denied(f"Cannot call {operation} with session credentials")
