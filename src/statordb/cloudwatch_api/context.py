"""What every operation of CloudWatch's API gets: the store, who asks, and the time."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from statordb.cloudwatch_api import errors
from statordb.commands.demands import EVERYTHING, ResourceDemand
from statordb.commands.gate import Gate, admit_call
from statordb.commands.key_permission import named
from statordb.model.errors import ClientError
from statordb.model.request import Origin, Principal
from statordb.store.alarms.records import AlarmName
from statordb.store.store import Store

Request = dict[str, Any]
"""The members of a request under their names in the service model; checked. Timestamps are seconds since the epoch."""
Answer = dict[str, Any]
"""The members of the output; those that are None are left out."""
Facts = Mapping[str, tuple[str, ...]]
_NO_FACTS: Facts = {}


class Context(NamedTuple):
    """The surroundings of one request."""

    store: Store
    gate: Gate
    principal: Principal
    origin: Origin
    operation: str

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.store.clock.now()

    def alarm(self, name: str) -> AlarmName:
        return AlarmName(self.principal.account, self.principal.region, name)

    async def demand(self, resource: str = EVERYTHING, facts: Facts = _NO_FACTS, action: str = "") -> None:
        """Return if who asks may do that. `action`: where it is not the operation's own. Raises AccessDenied."""
        demand = ResourceDemand(f"cloudwatch:{action or self.operation}", resource, facts)
        try:
            await admit_call(self.gate, self.principal, self.origin, demand)
        except ClientError as refusal:
            raise errors.of_client_error(refusal) from None

    async def demand_alarm(self, name: AlarmName, facts: Facts = _NO_FACTS, action: str = "") -> None:
        """The same of an alarm. `facts`: condition keys that the request tells."""
        found = await self.store.alarms.find(name) if name.account == self.principal.account else None
        tags = {} if found is None else named("aws:resourcetag/", found.tags)
        await self.demand(name.arn, {**tags, **facts}, action)


Operation = Callable[[Context, Request], Awaitable[Answer]]
