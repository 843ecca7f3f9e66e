"""Values of condition keys: what is known of an identity, and what of one request.

Source: IAM user guide, "AWS global condition context keys"; service authorization reference, "Condition keys for Amazon
DynamoDB". What this server has no way to know is absent, as keys of organizations.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from statordb.access.authority import FEDERATED, ROLE, ROOT, USER, Authority
from statordb.access.decision import WORK_MAX, principal_arn
from statordb.access.facts import Values
from statordb.access.work import NO_WORK, Work
from statordb.commands import item_facts
from statordb.commands.demands import Demand, Enclosed, ResourceDemand, TableDemand
from statordb.model import errors
from statordb.model.budget import UNBOUNDED, Budget
from statordb.model.request import Origin
from statordb.store.table import Table

USUAL_UNITS = 100  # that testing one value takes: so little is not counted
_TYPES = {ROOT: "Account", USER: "User", ROLE: "AssumedRole", FEDERATED: "FederatedUser"}
_REQUEST_TAG, _RESOURCE_TAG = "aws:requesttag/", "aws:resourcetag/"
_VARYING = ("dynamodb:", "lambda:", "application-autoscaling:", _REQUEST_TAG, _RESOURCE_TAG)


def identity_facts(authority: Authority, region: str) -> dict[str, Values]:
    """What is the same for all requests of an identity in a region. Keys are in lower case, as all are here."""
    facts: dict[str, Values] = {
        key.lower(): (value,) if isinstance(value, str) else value for key, value in authority.facts.items()
    }
    facts["aws:principalarn"] = (principal_arn(authority),)
    facts["aws:principalaccount"] = (authority.account,)
    facts["aws:principaltype"] = (_TYPES.get(authority.kind, authority.kind),)
    facts["aws:principalisawsservice"] = facts["aws:viaawsservice"] = ("false",)
    facts["aws:userid"] = (authority.user_id,)
    facts["aws:requestedregion"] = (region,)
    if authority.name:
        facts["aws:username"] = (authority.name,)
    return facts


def is_later(key: str) -> bool:
    """Whether the values of a key differ between the requests of an identity to the same table."""
    return key in _READERS or key.startswith(_VARYING)


class RequestFacts:
    """What is known of one request; each fact is made when a policy asks for it first. See `access.facts.Facts`.

    table   None if there is none, or none is named.
    asked   members of the request, for what its commands do not know of it.
    work    what is done with the values of each key, which is spent of `budget`: `get` raises ClientError, Heavy.
    """

    __slots__ = ("_made", "asked", "budget", "demand", "known", "now", "operation", "origin", "shows", "table", "work")

    def __init__(
        self,
        demand: Demand,
        table: Table | None,
        origin: Origin,
        asked: Mapping[str, Any],
        known: Mapping[str, Values],
        now: Callable[[], float],
        work: Work = NO_WORK,
        budget: Budget = UNBOUNDED,
    ) -> None:
        self.operation = None
        self.shows = asked.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        if isinstance(demand, Enclosed):
            self.operation, demand, self.shows = demand
        self.demand = demand
        self.table = table
        self.origin = origin
        self.asked = asked
        self.known = known
        self.now = now
        self.work = work
        self.budget = budget
        self._made: dict[str, Values | None] = {}

    def get(self, key: str, /) -> Values | None:
        try:
            return self._made[key]
        except KeyError:
            values = self._made[key] = self._make(key)
        if values:
            work = self.work
            if len(values) > 1 or work.stepping or work.testing > USUAL_UNITS:
                units = work.tests(values)
                if units > WORK_MAX:
                    raise errors.too_much_work()
                self.budget.spend(units)
        return values

    def asked_only(self, keys: Collection[str]) -> bool:
        """Whether no policy has asked for anything of the request but these keys."""
        return all(key in keys or not is_later(key) for key in self._made)

    def _make(self, key: str) -> Values | None:
        if isinstance(self.demand, ResourceDemand):
            told = self.demand.facts.get(key)
            if told is not None:
                return told
        read = _READERS.get(key)
        if read is not None:
            value = read(self)
            return (value,) if isinstance(value, str) else value
        if key.startswith(_REQUEST_TAG):
            tags = self.demand.tags if isinstance(self.demand, TableDemand) else {}
            return _tag(tags, key.removeprefix(_REQUEST_TAG))
        if key.startswith(_RESOURCE_TAG):
            return _tag({} if self.table is None else self.table.record.tags, key.removeprefix(_RESOURCE_TAG))
        return self.known.get(key)


def _tag(tags: Mapping[str, str | None], name: str) -> Values | None:
    """Names of tags are alike in any case here, as in all condition keys: of those that are, all values count."""
    return tuple(value for each, value in tags.items() if each.lower() == name and value is not None) or None


def _partition(position: int) -> "Callable[[RequestFacts], Values | None]":
    def read(facts: RequestFacts) -> Values | None:
        return None if facts.table is None else item_facts.partition_values(facts.demand, facts.table, position)

    return read


def _full_scan(facts: RequestFacts) -> str | None:
    scans = None if facts.table is None else item_facts.full_scan(facts.demand, facts.table)
    return None if scans is None else str(scans).lower()


def _returned(facts: RequestFacts) -> str | Values | None:
    """The item of a condition that does not hold is returned as well: a policy that keeps ALL_OLD from somebody means
    that, too."""
    returned = item_facts.returned(facts.demand, facts.asked.get("ReturnValues"))
    if returned is None or not facts.shows:
        return returned
    return tuple(dict.fromkeys((returned, "ALL_OLD")))


def _capacity(facts: RequestFacts) -> str | None:
    return facts.asked.get("ReturnConsumedCapacity", "NONE") if item_facts.is_of_items(facts.demand) else None


def _tag_keys(facts: RequestFacts) -> Values | None:
    return tuple(facts.demand.tags) if isinstance(facts.demand, TableDemand) else None


def _passed_to(facts: RequestFacts) -> str | None:
    """Whom a role is given to: here there is one service that takes roles."""
    return "lambda.amazonaws.com" if facts.demand.action == "iam:PassRole" else None


def _time(facts: RequestFacts) -> str:
    return datetime.fromtimestamp(int(facts.now()), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _address_within(facts: RequestFacts) -> str | None:
    return facts.origin.address or None if facts.origin.endpoint is not None else None


def _address_outside(facts: RequestFacts) -> str | None:
    return facts.origin.address or None if facts.origin.endpoint is None else None


_READERS: dict[str, Callable[[RequestFacts], str | Values | None]] = {
    "dynamodb:leadingkeys": _partition(0),
    "dynamodb:firstpartitionkeyvalues": _partition(0),
    "dynamodb:secondpartitionkeyvalues": _partition(1),
    "dynamodb:thirdpartitionkeyvalues": _partition(2),
    "dynamodb:fourthpartitionkeyvalues": _partition(3),
    "dynamodb:attributes": lambda facts: item_facts.attributes(facts.demand),
    "dynamodb:select": lambda facts: item_facts.selected(facts.demand),
    "dynamodb:returnvalues": _returned,
    "dynamodb:returnconsumedcapacity": _capacity,
    "dynamodb:enclosingoperation": lambda facts: facts.operation,
    "dynamodb:fulltablescan": _full_scan,
    "iam:passedtoservice": _passed_to,
    "aws:tagkeys": _tag_keys,
    "aws:currenttime": _time,
    "aws:epochtime": lambda facts: str(int(facts.now())),
    "aws:sourceip": _address_outside,
    "aws:vpcsourceip": _address_within,
    "aws:securetransport": lambda facts: "true" if facts.origin.secure else "false",
    "aws:sourcevpce": lambda facts: facts.origin.endpoint,
    "aws:sourcevpc": lambda facts: facts.origin.vpc,
    "aws:useragent": lambda facts: facts.origin.agent or None,
    "aws:referer": lambda facts: facts.origin.referer or None,
}
