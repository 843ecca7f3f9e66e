"""Who may do what: every request states its demands here before anything is read or written for it."""

from typing import Protocol

from statordb.commands.demands import TABLE_ARN, Demand, resource
from statordb.model import errors
from statordb.model.request import Principal


class Gate(Protocol):
    """Judges demands."""

    def admit(self, principal: Principal, demand: Demand) -> None:
        """Return if the principal may do that; raises AccessDeniedException."""
        ...


class OwnAccount:
    """The gate without policies: within its account a key may do everything, and nothing in others."""

    def admit(self, principal: Principal, demand: Demand) -> None:
        name = demand.table
        if not name.startswith("arn:"):
            return
        found = TABLE_ARN.fullmatch(name)  # what is no ARN of a table is told where it is taken apart
        if found is not None and found[2] != principal.account:
            raise errors.not_authorized(principal.arn, demand.action, resource(principal, demand))
