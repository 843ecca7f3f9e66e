"""The decision: may somebody do an action on a resource, by all policies that have a say.

Rules: IAM user guide, "Policy evaluation logic" and "Cross-account policy evaluation logic". A Deny that applies
decides. Without one, in one account an Allow of the identity or of the resource is needed, between accounts of both;
boundaries, session and endpoint policies must allow as well. A resource that names a user or a session itself is not
held up by what boundaries and session policies leave out.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple, TypeVar

from statordb.access.authority import ROLE, ROOT, Authority
from statordb.access.conditions import Check
from statordb.access.document import Policy
from statordb.access.facts import Facts, Known, Values, nothing_later
from statordb.access.rules import Names, Naming
from statordb.access.work import Work, most, total

WORK_MAX = 1_000_000  # units of one decision, see `access.work`: some 100 ms, which are done in steps
STEP_UNITS = 10_000  # of a decision: about 1 ms
STEP_UNITS_MAX = 100_000  # of one statement, which is not cut
_SESSION = ":assumed-role/"
T = TypeVar("T")


class Source(Enum):
    """A kind of policy, as refusals name it."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    ENDPOINT = "VPC endpoint policy"


class Verdict(NamedTuple):
    """What was decided. `explicit`: by a Deny; `source`: the kind of policy that refused, None for what is allowed."""

    source: Source | None
    explicit: bool = False

    @property
    def allowed(self) -> bool:
        return self.source is None


ALLOWED = Verdict(None)
_DENIED = {source: Verdict(source, True) for source in Source}
_NOT_ALLOWED = {source: Verdict(source) for source in Source}

Decide = Callable[[Facts], Verdict]
Steps = Generator[None, None, T]
"""A decision in the making: others may run where it yields, and it is what the generator returns."""


class Wanted(NamedTuple):
    """What somebody wants to do. `owner`: the account of the resource; `resource_policy`, `endpoint_policy`: None where
    there is none."""

    action: str
    resource: str
    owner: str
    resource_policy: Policy | None = None
    endpoint_policy: Policy | None = None


class _Rules(NamedTuple):
    """What the policies of one kind come to: does one that denies, or allows, apply. A list: one of these must."""

    denies: bool | list[Check]
    allows: bool | list[Check]

    def denied(self, facts: Facts) -> bool:
        return _any(self.denies, facts)

    def allowed(self, facts: Facts) -> bool:
        return _any(self.allows, facts)


_NONE = _Rules(False, False)
_ALL = _Rules(False, True)


def _any(checks: bool | list[Check], facts: Facts) -> bool:
    return checks if isinstance(checks, bool) else any(check(facts) for check in checks)


def work(authority: Authority, wanted: Wanted) -> tuple[Work, Work]:
    """How much work a decision is, and any one statement of it."""
    session = authority.session or ()
    others = (authority.boundary, wanted.resource_policy, wanted.endpoint_policy)
    found = [policy for policy in (*authority.policies, *session, *others) if policy is not None]
    return total(policy.work for policy in found), most(policy.hardest for policy in found)


def is_too_much(authority: Authority, wanted: Wanted, facts: Mapping[str, Values]) -> bool:
    """Whether a decision would take longer than a request may, or a step of it than others should wait."""
    whole, hardest = work(authority, wanted)
    units = whole.decision(wanted.resource) + max(map(whole.tests, facts.values()), default=0)
    step = hardest.decision(wanted.resource) + max(map(hardest.tests, facts.values()), default=0)
    return units > WORK_MAX or step > STEP_UNITS_MAX


def decide(authority: Authority, wanted: Wanted, facts: Facts) -> Verdict:
    """May somebody do that, all facts being known."""
    return finished(deciding(authority, wanted, facts))


def deciding(authority: Authority, wanted: Wanted, facts: Facts) -> Steps[Verdict]:
    """The same in steps."""
    verdict = yield from narrowing(authority, wanted, Known(facts, nothing_later))
    assert isinstance(verdict, Verdict), "all is known"
    return verdict


def narrow(authority: Authority, wanted: Wanted, known: Known) -> Verdict | Decide:
    """The decision, as far as it follows from what is known; else a function of all facts that gives it."""
    return finished(narrowing(authority, wanted, known))


def narrowing(authority: Authority, wanted: Wanted, known: Known) -> Steps[Verdict | Decide]:
    """The same in steps."""
    sides = yield from _sides(authority, wanted, known)
    constant = all(isinstance(part, bool) for rules in sides.all for part in rules)
    first = next((rules.denies for rules in sides.all if rules.denies is not False), False)
    if constant or first is True:  # one that is certain is not told before one that may apply
        return sides.verdict(_Nothing())
    return sides.by_identity() or sides.verdict


def finished(steps: Steps[T]) -> T:
    """What steps come to, taken one after the other."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            value: T = done.value
            return value


class _Nothing:
    """Facts of which none is asked for."""

    def get(self, key: str, /) -> None:
        return None


class _Sides(NamedTuple):
    """The policies that have a say. `directly`, `broadly`, `account`: what the resource's policy allows, by whom it
    names."""

    identity: _Rules
    resource: _Rules
    boundary: _Rules
    session: _Rules
    endpoint: _Rules
    directly: _Rules
    broadly: _Rules
    own: bool

    @property
    def all(self) -> Sequence[_Rules]:
        return self[:7]

    def by_identity(self) -> Decide | None:
        """The usual decision, where only what the identity's policies allow is left to be asked; None for all else."""
        identity, resource, boundary, session, endpoint, _, _, own = self
        if not own or resource != _NONE or not boundary == session == endpoint == _ALL or identity.denies is not False:
            return None
        assert isinstance(identity.allows, list), "else all was known"
        refused = _NOT_ALLOWED[Source.IDENTITY]
        if len(identity.allows) == 1:
            (check,) = identity.allows
            return lambda facts: ALLOWED if check(facts) else refused
        return lambda facts: ALLOWED if identity.allowed(facts) else refused

    def verdict(self, facts: Facts) -> Verdict:
        identity, resource, boundary, session, endpoint, directly, broadly, own = self
        for source, rules in zip(Source, (identity, resource, boundary, session, endpoint), strict=True):
            if rules.denies is not False and rules.denied(facts):
                return _DENIED[source]
        if not own and not resource.allowed(facts):
            return _NOT_ALLOWED[Source.RESOURCE]
        if not (own and directly.allowed(facts)):
            if not identity.allowed(facts) and not (own and broadly.allowed(facts)):
                return _NOT_ALLOWED[Source.IDENTITY]
            if not boundary.allowed(facts):
                return _NOT_ALLOWED[Source.BOUNDARY]
            if not session.allowed(facts):
                return _NOT_ALLOWED[Source.SESSION]
        return ALLOWED if endpoint.allowed(facts) else _NOT_ALLOWED[Source.ENDPOINT]


def _sides(authority: Authority, wanted: Wanted, known: Known) -> Steps[_Sides]:
    action, resource = wanted.action.lower(), wanted.resource
    own = wanted.owner == authority.account

    def rules(policies: Iterable[Policy], least: Naming = Naming.ACCOUNT) -> Steps[_Rules]:
        return _combined(policies, action, resource, known, names, least)

    names = names_of(authority)
    session = authority.session
    policy = () if wanted.resource_policy is None else (wanted.resource_policy,)
    return _Sides(
        _ALL if authority.kind == ROOT else (yield from rules(authority.policies)),
        (yield from rules(policy)),
        _ALL if authority.boundary is None else (yield from rules((authority.boundary,))),
        _ALL if session is None else (yield from rules(session)),
        _ALL if wanted.endpoint_policy is None else (yield from rules((wanted.endpoint_policy,))),
        (yield from rules(policy, Naming.ITSELF)) if own else _NONE,
        (yield from rules(policy, Naming.BROADLY)) if own else _NONE,
        own,
    )


def _combined(
    policies: Iterable[Policy], action: str, resource: str, known: Known, who: Names, least: Naming
) -> Steps[_Rules]:
    """`least`: how a statement that allows must name somebody at the least; one that denies, by any name."""
    denies: list[Check] = []
    allows: list[Check] = []
    always = False
    units = 0
    for policy in policies:
        for rule in policy.rules:
            units += rule.units
            if units > STEP_UNITS:
                yield
                units = 0
            named = rule.names(who)
            if named is Naming.NOT or (rule.allows and named < least):
                continue
            found = rule.bind(action, resource, known)
            if found is True and not rule.allows:
                return _Rules(True, False)
            if found is True:
                always = True
            elif found is not False:
                (allows if rule.allows else denies).append(found)
    return _Rules(denies or False, always or allows or False)


def names_of(authority: Authority) -> Names:
    """How policies of resources may name somebody."""
    itself, role = (authority.arn, authority.user_id), ""
    if authority.kind == ROLE:
        role = principal_arn(authority)
    elif authority.kind == ROOT:
        itself = (authority.arn, authority.account)
    return Names(itself, role, authority.account)


def principal_arn(authority: Authority) -> str:
    """aws:PrincipalArn: the ARN of the role behind a session; else that of the identity."""
    given = authority.facts.get("aws:PrincipalArn")
    if isinstance(given, str):
        return given
    head, session, name = authority.arn.partition(_SESSION)
    if not session:
        return authority.arn
    return f"{head.replace(':sts:', ':iam:', 1)}:role/{name.partition('/')[0]}"


def refusal(verdict: Verdict, who: str, action: str, resource: str) -> str:
    """AWS's text of a refusal."""
    assert verdict.source is not None, "it is none"
    kind = verdict.source.value
    head = f"User: {who} is not authorized to perform: {action} on resource: {resource}"
    if verdict.explicit:
        return f"{head} with an explicit deny in {'an' if kind.startswith('i') else 'a'} {kind}"
    return f"{head} because no {kind} allows the {action} action"
