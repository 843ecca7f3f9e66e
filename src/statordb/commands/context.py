"""What every operation gets: the store, who asks, what may be done, and the time."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from statordb.commands import table_arns
from statordb.commands.demands import Demand, TableDemand
from statordb.commands.gate import Gate
from statordb.commands.turns import Turn, Turns
from statordb.model import errors
from statordb.model.budget import Budget, Heavy
from statordb.model.request import Origin, Principal
from statordb.model.tasks import Rest
from statordb.store.store import Store
from statordb.store.table import Table, check_usable

_new = tuple.__new__  # makes a named tuple in half the time of calling its class


class Context(NamedTuple):
    """The surroundings of one request.

    endpoint    host:port that clients are told to use.
    new_budget  makes the budget of a request, from which `budget` is; a request of the usual form needs none.
    origin, source  see `model.request.Request`.
    request     its members, as far as they are known to be well formed.
    """

    store: Store
    endpoint: str
    gate: Gate
    turns: Turns
    new_budget: Callable[[], Budget]
    principal: Principal
    origin: Origin
    source: object
    budget: Budget
    request: Mapping[str, Any]

    def of(self, source: object, budget: Budget, request: Mapping[str, Any]) -> "Context":
        """The surroundings of another request of the same principal."""
        store, endpoint, gate, turns, new_budget, principal, origin, _, _, _ = self
        return _new(Context, (store, endpoint, gate, turns, new_budget, principal, origin, source, budget, request))

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.store.clock.now()

    def turn(self) -> Turn:
        """The request's share of the turns, for what is done in slices."""
        return Turn(self.turns, self.source, self.budget)

    def known_table(self, name: str) -> Table | None:
        """The table of a data operation if this process knows it, and it is in its usual state; None says nothing."""
        principal = self.principal
        table = self.store.catalog.cached(principal.account, principal.region, name)
        return table if table is not None and table.settled else None

    async def table(self, name: str) -> Table:
        """The table of a data operation; raises ResourceNotFoundException unless it is there and ready, and
        ValidationException where its key can't be used."""
        catalog = self.store.catalog
        account, region, name = self.named(name)
        table = catalog.cached(account, region, name) or await catalog.reload(account, region, name)
        if table is None:
            raise errors.resource_not_found()
        if not table.settled:
            check_usable(table)
        return table

    def knows(self, action: str, table: str) -> bool:
        """Whether it is known already that the principal may do that with a table; False says nothing."""
        return self.gate.knows(self.principal, self.origin, action, table)

    def admits(self, demand: Demand, asked: Mapping[str, Any]) -> bool:
        """For what the short ways do, which have no budget: whether the principal is known to be allowed that; False
        says nothing. Raises AccessDeniedException."""
        try:
            return self.gate.admit(self.principal, self.origin, demand, asked)
        except Heavy:
            return False

    def surely(self, demand: Demand) -> bool:
        """Whether the principal is known to be allowed that by the action and the table alone."""
        return self.gate.surely(self.principal, self.origin, demand)

    async def admit(self, demand: Demand) -> None:
        """Raises AccessDeniedException unless the principal may do that."""
        who, origin, request, budget = self.principal, self.origin, self.request, self.budget
        if not self.gate.admit(who, origin, demand, request, budget):
            await self.gate.settle(who, origin, demand, request, budget, self._rest())

    def _rest(self) -> Rest:
        """Waits for a slice, then for the next ones."""
        turn, is_begun = self.turn(), False

        async def rest() -> None:
            nonlocal is_begun
            await (turn.over() if is_begun else turn.begin())
            is_begun = True

        return rest

    async def described(self, demand: TableDemand) -> Table:
        """The table that a control operation demands, whatever its status.

        Raises AccessDeniedException, and ResourceNotFoundException naming the table; also of one that is restored,
        unless it is only to be looked at (aws-controllers-k8s, October 2026, TABLE-217).
        """
        account, region, name = await self.scope(demand)
        table = await self.store.catalog.reload(account, region, name)
        if table is None or (table.record.restore is not None and demand.action != "dynamodb:DescribeTable"):
            raise errors.table_not_found(name)
        return table

    async def current(self, account: str, region: str, name: str) -> Table:
        """The table of that name as it is now; raises ResourceNotFoundException naming it."""
        table = await self.store.catalog.reload(account, region, name)
        if table is None:
            raise errors.table_not_found(name)
        return table

    async def scope(self, demand: TableDemand) -> tuple[str, str, str]:
        """(account, region, table name) of what a control operation demands; raises AccessDeniedException."""
        await self.admit(demand)
        return self.named(demand.table)

    def named(self, name: str) -> tuple[str, str, str]:
        """(account, region, table name) that a TableName, which may be an ARN, names."""
        if not name.startswith("arn:"):
            return self.principal.account, self.principal.region, name
        account, region, table = table_arns.parse(name)
        account, region = self.gate.place(self.principal, account, region)
        if region != self.principal.region:
            raise errors.validation(f"1 validation error detected: Invalid AWS region in '{name}'")
        return account, region, table
