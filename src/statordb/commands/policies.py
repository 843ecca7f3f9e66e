"""The gate that goes by policies, of identities, of tables and streams, and of endpoints."""

from typing import Any, NamedTuple

from statordb.access import authority as authorities
from statordb.access.authority import ROOT, Authority
from statordb.access.decision import ALLOWED, WORK_MAX, Decide, Source, Verdict, Wanted, decide, narrow, refusal, work
from statordb.access.document import Kind, Policy, compile_policy
from statordb.access.facts import Known
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
from statordb.commands.request_facts import RequestFacts, identity_facts, is_later
from statordb.model import errors
from statordb.model.request import Origin, Principal
from statordb.store.store import Store
from statordb.store.table import Table

PRINCIPALS_MAX = 512  # whose decisions are kept
DECISIONS_MAX = 512  # of each of them
_WAY_OUT = "dynamodb:DeleteResourcePolicy"  # which no policy can take from the root of its own account


class _Decision(NamedTuple):
    """What is left to be asked of each request: `decide` of its facts. `place`: the table's; `room`: how many values of
    a key may be tested."""

    decide: Decide
    place: Place | None
    room: int


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

    def admit(self, principal: Principal, origin: Origin, demand: Demand, asked: Asked) -> bool:
        standing = self._stand(principal, origin)
        decision = standing.decisions.get((demand.action, demand.table, demand.index_name))
        if decision is ALLOWED:
            return True
        if decision is None:
            place = place_of(principal, demand, self.place)
            table = None if place is None else self._catalog.cached(*place)
            if table is None and place is not None:
                return False
            decision = self._decide(standing, demand, table)
        if isinstance(decision, Verdict):
            self._judge(standing, demand, decision)
            return True
        table = None
        if decision.place is not None:
            table = self._catalog.cached(*decision.place)
            if table is None:
                return False
        self._weigh(standing, origin, demand, asked, decision, table)
        return True

    def surely(self, principal: Principal, origin: Origin, demand: Demand) -> bool:
        standing = self._stand(principal, origin)
        decision = standing.decisions.get((demand.action, demand.table, demand.index_name))
        if decision is None:
            place = place_of(principal, demand, self.place)
            table = None if place is None else self._catalog.cached(*place)
            if table is None:
                return False
            decision = self._decide(standing, demand, table)
        return decision is ALLOWED

    async def settle(self, principal: Principal, origin: Origin, demand: Demand, asked: Asked) -> None:
        standing = self._stand(principal, origin)
        place = place_of(principal, demand, self.place)
        table = None if place is None else await self._catalog.reload(*place)
        decision = self._decide(standing, demand, table)  # of a standing from before the look: what comes since counts
        if isinstance(decision, Verdict):
            self._judge(standing, demand, decision)
            return
        self._weigh(standing, origin, demand, asked, decision, table)

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

    def _decide(self, standing: _Standing, demand: Demand, table: Table | None) -> Verdict | _Decision:
        """What all requests with that demand come to. `table`: None if there is none."""
        principal, authority = standing.principal, standing.authority
        place = place_of(principal, demand, self.place)
        if place is None and not isinstance(demand, AccountDemand | ResourceDemand):
            return ALLOWED  # it names nothing, and is told so where it is taken apart
        owner = principal.account if place is None else place[0]
        about = resource(principal, demand, self.place)
        policy = None if table is None else _policy(table, demand, authority)
        wanted = Wanted(demand.action, about, owner, policy, standing.endpoint)
        weight, width = work(authority, wanted)
        if weight > WORK_MAX:
            raise errors.too_much_work()
        facts = {**standing.facts, "aws:resourceaccount": (owner,)}
        found = narrow(authority, wanted, Known(facts, is_later))
        decision = found if isinstance(found, Verdict) else _Decision(found, place, WORK_MAX // max(1, width))
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
    ) -> None:
        facts = RequestFacts(demand, table, origin, asked, standing.facts, self._now, decision.room)
        self._judge(standing, demand, decision.decide(facts))

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


def would_deny(context: Context, demand: Demand, text: str) -> bool:
    """Whether a policy, once it is the resource's, denies the principal of a request what is demanded."""
    principal, gate = context.principal, context.gate
    standing = _Standing(principal, None, 0)
    about = resource(principal, demand, gate.place)
    facts = RequestFacts(demand, None, context.origin, context.request, standing.facts, context.now)
    wanted = Wanted(demand.action, about, principal.account, compile_policy(text, Kind.RESOURCE))
    verdict = decide(standing.authority, wanted, facts)
    return verdict.explicit and verdict.source is Source.RESOURCE
