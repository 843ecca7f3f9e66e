"""The gate that goes by policies, of identities, of tables and streams, and of endpoints."""

from typing import Any, NamedTuple

from statordb.access import authority as authorities
from statordb.access.authority import ROOT, Authority
from statordb.access.decision import (
    ALLOWED,
    Decide,
    Source,
    Steps,
    Verdict,
    Wanted,
    deciding,
    finished,
    is_too_much,
    narrowing,
    refusal,
    work,
)
from statordb.access.document import Kind, Policy, compile_policy
from statordb.access.facts import Known
from statordb.access.work import Work
from statordb.commands.context import Context
from statordb.commands.demands import (
    AccountDemand,
    Demand,
    Place,
    ResourceDemand,
    StreamDemand,
    TableDemand,
    place_of,
    resource,
)
from statordb.commands.gate import Asked
from statordb.commands.leading_keys import LeadingKeys
from statordb.commands.request_facts import RequestFacts, identity_facts, is_later
from statordb.model import errors
from statordb.model.budget import Budget, InlineBudget
from statordb.model.request import Origin, Principal
from statordb.model.tasks import Rest, in_slices, next_round
from statordb.store.store import Store
from statordb.store.table import Table

PRINCIPALS_MAX = 512  # whose decisions are kept
DECISIONS_MAX = 512  # of each of them
AT_ONCE_UNITS_MAX = 10_000  # of a decision that is made without others having their turn: about 1 ms
BRIEF_UNITS_MAX = 2_000  # of what is asked of a request that has no budget
_WAY_OUT = "dynamodb:DeleteResourcePolicy"  # which no policy can take from the root of its own account


class _Decision(NamedTuple):
    """What is left to be asked of each request: `decide` of its facts, which is so much `work`. `place`: the
    table's; `leading`: what need not be asked again."""

    decide: Decide
    place: Place | None
    work: Work
    leading: LeadingKeys


class _Question(NamedTuple):
    """What is to be decided once for all requests of a kind, and how much work that is."""

    wanted: Wanted
    place: Place | None
    work: Work
    units: int


class _Standing:
    """What is known of a principal whose connections come through the same endpoint."""

    __slots__ = ("authority", "decisions", "endpoint", "epoch", "facts", "principal")

    def __init__(self, principal: Principal, endpoint: Any, epoch: int) -> None:
        self.principal = principal
        self.endpoint = endpoint
        self.epoch = epoch
        self.authority: Authority = authorities.of(principal.authority, principal.account)
        self.facts = identity_facts(self.authority, principal.region)
        self.decisions: dict[tuple[str, str, str | None], Verdict | _Decision] = {}


class Policies:
    """The gate that goes by policies.

    What follows from an action and a table alone is decided once for each principal, until something is announced; and
    only conditions on what differs between requests are looked at for each. `shared`: all tables are of one account and
    region, whatever an ARN names.
    """

    def __init__(self, store: Store, shared: bool = False) -> None:
        self._catalog = store.catalog
        self._epoch = store.engine.epoch
        self._now = store.clock.now
        self._shared = shared
        self._standings: dict[tuple[int, int], _Standing] = {}
        self._last = _Standing(Principal("", "", "", ""), None, -1)

    def admit(
        self, principal: Principal, origin: Origin, demand: Demand, asked: Asked, budget: Budget | None = None
    ) -> bool:
        standing = self._stand(principal, origin)
        decision = standing.decisions.get((demand.action, demand.table, demand.index_name))
        if decision is ALLOWED:
            return True
        if decision is None:
            decision = self._decided(standing, demand, budget)
            if decision is None:
                return False
        if isinstance(decision, Verdict):
            self._judge(standing, demand, decision)
            return True
        if decision.leading.allow(demand):
            return True
        table = None
        if decision.place is not None:
            table = self._catalog.cached(*decision.place)
            if table is None:
                return False
        if budget is None and decision.work.asking > BRIEF_UNITS_MAX:
            return False
        self._weigh(standing, origin, demand, asked, decision, table, budget or InlineBudget())
        return True

    def knows(self, principal: Principal, origin: Origin, action: str, table: str) -> bool:
        last = self._last
        return (
            last.principal is principal
            and last.endpoint is origin.policy
            and last.decisions.get((action, table, None)) is ALLOWED
            and last.epoch == self._epoch()
        )

    def surely(self, principal: Principal, origin: Origin, demand: Demand) -> bool:
        standing = self._stand(principal, origin)
        decision = standing.decisions.get((demand.action, demand.table, demand.index_name))
        return (decision or self._decided(standing, demand, None)) is ALLOWED

    async def settle(
        self,
        principal: Principal,
        origin: Origin,
        demand: Demand,
        asked: Asked,
        budget: Budget,
        rest: Rest = next_round,
    ) -> None:
        standing = self._stand(principal, origin)  # of before the look: what comes since counts
        place = place_of(principal, demand, self.place)
        table = None if place is None else await self._catalog.reload(*place)
        question = self._question(standing, demand, place, table)
        if question is None:
            return
        if question.units > AT_ONCE_UNITS_MAX:
            await rest()  # before it begins, else what came last would go first
        decision = await in_slices(self._deciding(standing, demand, question), rest)
        if isinstance(decision, Verdict):
            self._judge(standing, demand, decision)
            return
        self._weigh(standing, origin, demand, asked, decision, table, budget)

    def place(self, principal: Principal, account: str, region: str) -> tuple[str, str]:
        return (principal.account, principal.region) if self._shared else (account, region)

    def _stand(self, principal: Principal, origin: Origin) -> _Standing:
        """What is known of a principal, or the beginning of it."""
        last, epoch = self._last, self._epoch()
        if last.principal is principal and last.endpoint is origin.policy and last.epoch == epoch:
            return last
        name = id(principal), id(origin.policy)  # neither can be another's while both are kept here
        standing = self._standings.get(name)
        if standing is None or standing.epoch != epoch:
            self._standings.pop(name, None)
            if len(self._standings) >= PRINCIPALS_MAX:
                del self._standings[next(iter(self._standings))]
            standing = self._standings[name] = _Standing(principal, origin.policy, epoch)
        self._last = standing
        return standing

    def _decided(self, standing: _Standing, demand: Demand, budget: Budget | None) -> Verdict | _Decision | None:
        """What all requests with that demand come to; None if a table has to be looked up for it, or it takes long."""
        place = place_of(standing.principal, demand, self.place)
        table = None if place is None else self._catalog.cached(*place)
        if table is None and place is not None:
            return None
        question = self._question(standing, demand, place, table)
        if question is None:
            return ALLOWED
        if question.units > AT_ONCE_UNITS_MAX:
            return None
        if budget is not None:
            budget.spend(question.units)
        return finished(self._deciding(standing, demand, question))

    def _question(
        self, standing: _Standing, demand: Demand, place: Place | None, table: Table | None
    ) -> _Question | None:
        """`table`: None if there is none. None for what names nothing, which is told so where it is taken apart."""
        principal, authority = standing.principal, standing.authority
        if place is None and not isinstance(demand, AccountDemand | ResourceDemand):
            return None
        owner = principal.account if place is None else place[0]
        about = resource(principal, demand, self.place)
        policy = None if table is None else _policy(table, demand, authority)
        wanted = Wanted(demand.action, about, owner, policy, standing.endpoint)
        if is_too_much(authority, wanted, standing.facts):
            raise errors.too_much_work()
        whole, _ = work(authority, wanted)
        units = whole.decision(about) + max(map(whole.tests, standing.facts.values()), default=0)
        return _Question(wanted, place, whole, units)

    def _deciding(self, standing: _Standing, demand: Demand, question: _Question) -> Steps[Verdict | _Decision]:
        """What all requests with that demand come to, in steps; it is kept."""
        facts = {**standing.facts, "aws:resourceaccount": (question.wanted.owner,)}
        found = yield from narrowing(standing.authority, question.wanted, Known(facts, is_later))
        decision = (
            found if isinstance(found, Verdict) else _Decision(found, question.place, question.work, LeadingKeys())
        )
        if len(standing.decisions) >= DECISIONS_MAX:
            standing.decisions.clear()
        standing.decisions[demand.action, demand.table, demand.index_name] = decision
        return decision

    def _weigh(
        self,
        standing: _Standing,
        origin: Origin,
        demand: Demand,
        asked: Asked,
        decision: _Decision,
        table: Table | None,
        budget: Budget,
    ) -> None:
        budget.spend(decision.work.asking)
        facts = RequestFacts(demand, table, origin, asked, standing.facts, self._now, decision.work, budget)
        self._judge(standing, demand, decision.decide(facts))
        if table is not None:
            decision.leading.learn(demand, table, facts)

    def _judge(self, standing: _Standing, demand: Demand, verdict: Verdict) -> None:
        if verdict.allowed:
            return
        if isinstance(demand, TableDemand) and verdict.source is Source.RESOURCE and not verdict.explicit:
            raise errors.access_denied("Access is denied")  # of tables themselves no more is told to other accounts
        about = resource(standing.principal, demand, self.place)
        raise errors.access_denied(refusal(verdict, standing.authority.arn, demand.action, about))


def _policy(table: Table, demand: Demand, authority: Authority) -> Policy | None:
    """The policy of a table, or of its stream."""
    if not table.record.policies:
        return None
    if demand.action == _WAY_OUT and authority.kind == ROOT and authority.account == table.record.account:
        return None
    label = demand.stream_arn.partition("/stream/")[2] if isinstance(demand, StreamDemand) else ""
    for kept in table.record.policies:
        if kept.label == label and kept.text:
            return compile_policy(kept.text, Kind.RESOURCE)
    return None


async def would_deny(context: Context, demand: Demand, text: str) -> bool:
    """Whether a policy, once it is the resource's, denies the principal of a request what is demanded."""
    principal, gate = context.principal, context.gate
    standing = _Standing(principal, None, 0)
    about = resource(principal, demand, gate.place)
    facts = RequestFacts(demand, None, context.origin, context.request, standing.facts, context.now)
    wanted = Wanted(demand.action, about, principal.account, compile_policy(text, Kind.RESOURCE))
    if is_too_much(standing.authority, wanted, standing.facts):
        raise errors.too_much_work()
    verdict = await in_slices(deciding(standing.authority, wanted, facts))
    return verdict.explicit and verdict.source is Source.RESOURCE
