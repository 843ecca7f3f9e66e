"""Who may do what: every request states its demands here before anything is read or written for it."""

from collections.abc import Mapping
from typing import Any, Protocol

from statordb.commands.demands import Demand
from statordb.model.budget import Budget, LaneBudget
from statordb.model.limits import ASKING_UNITS_MAX
from statordb.model.request import Origin, Principal
from statordb.model.tasks import Rest, next_round

Asked = Mapping[str, Any]
"""Members of a request, for what its commands do not know of it (ReturnValues, ReturnConsumedCapacity)."""
_NOTHING: Asked = {}


class Gate(Protocol):
    """Judges demands."""

    def admit(
        self, principal: Principal, origin: Origin, demand: Demand, asked: Asked, budget: Budget | None = None
    ) -> bool:
        """True if the principal may do that; False if the table has to be looked up first, or much has to be decided,
        by `settle`. `budget`: what it takes is spent of it; None: False also if it takes more than a moment.

        Raises AccessDeniedException, ValidationException where it is too much, Heavy.
        """
        ...

    def knows(self, principal: Principal, origin: Origin, action: str, table: str) -> bool:
        """Whether it was found before that the principal may do that with a table, whatever else is asked for; in the
        least time. False says nothing."""
        ...

    def surely(self, principal: Principal, origin: Origin, demand: Demand) -> bool:
        """Whether it is known that the principal may do that, whatever else is asked for."""
        ...

    async def settle(
        self,
        principal: Principal,
        origin: Origin,
        demand: Demand,
        asked: Asked,
        budget: Budget,
        rest: Rest = next_round,
    ) -> None:
        """Return if the principal may do that. Others run where much has to be decided, until `rest` is over. Errors as
        `admit`."""
        ...

    def place(self, principal: Principal, account: str, region: str) -> tuple[str, str]:
        """Where the tables are, account and region, that ARNs of an account and region name."""
        ...


async def admit_call(
    gate: Gate,
    principal: Principal,
    origin: Origin,
    demand: Demand,
    asked: Asked = _NOTHING,
    budget: Budget | None = None,
) -> None:
    """Return if a principal may do what a call of an API without lanes demands. `budget`: of a call with several
    demands, `call_budget`. Errors as `Gate.admit`, but for Heavy."""
    budget = budget or call_budget()
    if not gate.admit(principal, origin, demand, asked, budget):
        await gate.settle(principal, origin, demand, asked, budget)


def call_budget() -> Budget:
    """What conditions may ask of one such call: it is answered in one go, beside others."""
    return LaneBudget(ASKING_UNITS_MAX)
