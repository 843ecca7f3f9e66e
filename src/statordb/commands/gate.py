"""Who may do what: every request states its demands here before anything is read or written for it."""

from typing import Protocol

from statordb.commands.demands import TABLE_ARN, Demand, TableDemand, resource
from statordb.model import errors
from statordb.model.request import Principal

_ON_ITEMS = frozenset({"dynamodb:BatchWriteItem"})  # of the demands on tables: whose refusals are told in full


class Gate(Protocol):
    """Judges demands."""

    def admit(self, principal: Principal, demand: Demand) -> None:
        """Return if the principal may do that; raises AccessDeniedException."""
        ...

    def place(self, principal: Principal, account: str, region: str) -> tuple[str, str]:
        """Where the tables are, account and region, that ARNs of an account and region name."""
        ...


class OwnAccount:
    """The gate without policies: within its account a key may do everything, and nothing in others."""

    def admit(self, principal: Principal, demand: Demand) -> None:
        name = demand.table
        if not name.startswith("arn:"):
            return
        found = TABLE_ARN.fullmatch(name)  # what is no ARN of a table is told where it is taken apart
        if found is not None and found[2] != principal.account:
            if isinstance(demand, TableDemand) and demand.action not in _ON_ITEMS:
                raise errors.access_denied("Access is denied")
            raise errors.not_authorized(principal.arn, demand.action, resource(principal, demand))

    def place(self, principal: Principal, account: str, region: str) -> tuple[str, str]:
        return account, region


class OneDatabase:
    """The gate where all tables are in one place, whoever asks, and whatever account and region an ARN names."""

    def admit(self, principal: Principal, demand: Demand) -> None:
        return

    def place(self, principal: Principal, account: str, region: str) -> tuple[str, str]:
        return principal.account, principal.region
