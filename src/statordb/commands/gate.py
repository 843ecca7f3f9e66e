"""Who may do what: every request states its demands here before anything is read or written for it."""

from collections.abc import Mapping
from typing import Any, Protocol

from statordb.commands.demands import Demand
from statordb.model.request import Origin, Principal

Asked = Mapping[str, Any]
"""Members of a request, for what its commands do not know of it (ReturnValues, ReturnConsumedCapacity)."""


class Gate(Protocol):
    """Judges demands."""

    def admit(self, principal: Principal, origin: Origin, demand: Demand, asked: Asked) -> bool:
        """True if the principal may do that; False if the table has to be looked up first, by `settle`. Raises
        AccessDeniedException."""
        ...

    def surely(self, principal: Principal, origin: Origin, demand: Demand) -> bool:
        """Whether it is known that the principal may do that, whatever else is asked for."""
        ...

    async def settle(self, principal: Principal, origin: Origin, demand: Demand, asked: Asked) -> None:
        """Return if the principal may do that; raises AccessDeniedException."""
        ...

    def place(self, principal: Principal, account: str, region: str) -> tuple[str, str]:
        """Where the tables are, account and region, that ARNs of an account and region name."""
        ...
