"""Whether a role may be a function's: who may pass roles must not pass those of people."""

from functools import lru_cache

from statordb.access.authority import Authority
from statordb.access.decision import Wanted, decide
from statordb.access.document import Kind, compile_policy
from statordb.store.identities.records import RoleRecord

TRUSTS_KEPT_MAX = 1024
_SERVICE = "lambda.amazonaws.com"
_ALL = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'


def trusts_functions(role: RoleRecord) -> bool:
    """Whether a role's trust policy lets Lambda assume it."""
    return _trusts(role.trust, role.arn, role.account)


@lru_cache(TRUSTS_KEPT_MAX)
def _trusts(trust: str, arn: str, account: str) -> bool:
    service = Authority("service", _SERVICE, "", "", policies=(compile_policy(_ALL),))  # of no account
    wanted = Wanted("sts:AssumeRole", arn, account, compile_policy(trust, Kind.TRUST))
    return decide(service, wanted, {"aws:sourceaccount": (account,)}).allowed
