"""What every operation of IAM's and STS's API gets: the store, the keys, who asks, randomness and the time."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from statordb.access import authority, decision
from statordb.access.authority import Authority
from statordb.access.decision import Wanted
from statordb.access.facts import Values
from statordb.iam_api import errors, facts
from statordb.iam_api.facts import Facts
from statordb.iam_api.issuers import Issuers
from statordb.model.request import Origin, Principal
from statordb.model.tasks import in_slices
from statordb.store.credentials import Credentials
from statordb.store.identities.identities import Row
from statordb.store.store import Store
from statordb.store.terms import Refused

_NO_FACTS: Mapping[str, Values] = {}

Request = dict[str, Any]
"""The members of a request under their names in the service model; checked."""

Answer = dict[str, Any]
"""The members of the output; those that are None are left out."""

Change = Callable[[list[Any]], Sequence[Any]]
"""As `Identities.change` has it, but that it raises IamError to refuse."""


class Context(NamedTuple):
    """The surroundings of one request. `action`: of policies, for example iam:CreateUser; `about`: the ARNs of what it
    turned out to be about."""

    store: Store
    credentials: Credentials
    principal: Principal
    random: Callable[[int], bytes]
    action: str
    origin: Origin
    issuers: Issuers
    about: list[str]

    @property
    def account(self) -> str:
        return self.principal.account

    @property
    def authority(self) -> Authority:
        return authority.of(self.principal.authority, self.principal.account)

    def now(self) -> float:
        """Seconds since the epoch, as a whole number: AWS tells no fractions."""
        return float(int(self.store.clock.now()))

    def facts(self) -> Facts:
        """Condition keys of the request, whatever it is about."""
        return facts.of_request(self.principal, self.authority, self.origin, self.store.clock.now())

    async def demand(self, resource: str, more: Mapping[str, Values] = _NO_FACTS) -> None:
        """Return if who asks may do that to a resource of the account; raises AccessDenied, ValidationError where it is
        too much. `more`: condition keys of what it is about."""
        who = self.authority
        self.about.append(resource)
        wanted = Wanted(self.action, resource, self.account, endpoint_policy=self.origin.policy)
        known = {**self.facts(), "aws:resourceaccount": (self.account,), **more}
        if decision.is_too_much(who, wanted, known):
            raise errors.too_much_work()
        verdict = await in_slices(decision.deciding(who, wanted, known))
        if not verdict.allowed:
            raise errors.access_denied(decision.refusal(verdict, who.arn, self.action, resource))

    async def change(self, rows: Sequence[Row], change: Change) -> Sequence[Any]:
        """Change some rows of the account together, atomically."""
        changed = await self.store.identities.change(self.account, rows, change)
        assert not isinstance(changed, Refused), "these changes raise"
        return changed


Operation = Callable[[Context, Request], Awaitable[Answer]]
