"""What every operation of IAM's and STS's API gets: the store, the keys, who asks, randomness and the time."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from statordb.access import authority
from statordb.access.authority import Authority
from statordb.iam_api import errors
from statordb.model.request import Principal
from statordb.store.credentials import Credentials
from statordb.store.identities.identities import Row
from statordb.store.store import Store
from statordb.store.terms import Refused

Request = dict[str, Any]
"""The members of a request under their names in the service model; checked."""

Answer = dict[str, Any]
"""The members of the output; those that are None are left out."""

Change = Callable[[list[Any]], Sequence[Any]]
"""As `Identities.change` has it, but that it raises IamError to refuse."""


class Context(NamedTuple):
    """The surroundings of one request. `action`: of policies, for example iam:CreateUser."""

    store: Store
    credentials: Credentials
    principal: Principal
    random: Callable[[int], bytes]
    action: str = ""

    @property
    def account(self) -> str:
        return self.principal.account

    @property
    def authority(self) -> Authority:
        return authority.of(self.principal.authority, self.principal.account)

    def now(self) -> float:
        """Seconds since the epoch, as a whole number: AWS tells no fractions."""
        return float(int(self.store.clock.now()))

    def demand(self, resource: str) -> None:
        """Return if who asks may do that to a resource; raises AccessDenied."""
        asker = self.authority
        if asker.kind != authority.ROOT or asker.session is not None:
            raise errors.not_authorized(self.principal.arn, self.action, resource)

    async def change(self, rows: Sequence[Row], change: Change) -> Sequence[Any]:
        """Change some rows of the account together, atomically."""
        changed = await self.store.identities.change(self.account, rows, change)
        assert not isinstance(changed, Refused), "these changes raise"
        return changed


Operation = Callable[[Context, Request], Awaitable[Answer]]
