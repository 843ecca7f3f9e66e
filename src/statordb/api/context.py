"""What every operation gets: the store, who asks, and the time."""

from typing import Any, NamedTuple

from statordb.model import errors
from statordb.model.request import Principal
from statordb.store.store import Store
from statordb.store.table import Table

Request = dict[str, Any]
Answer = dict[str, Any] | bytes
"""A response: an object, or its JSON where stored bytes were spliced."""


class Context(NamedTuple):
    """The surroundings of one request."""

    store: Store
    principal: Principal
    endpoint: str  # host:port that clients are told to use

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.store.clock.now()

    def known_table(self, name: str) -> Table | None:
        """The table of a data operation if this process knows it, and it is in its usual state; None says nothing."""
        principal = self.principal
        table = self.store.catalog.cached(principal.account, principal.region, name)
        return table if table is not None and table.record.status == "ACTIVE" else None

    async def table(self, name: str) -> Table:
        """The table of a data operation; raises ResourceNotFoundException unless it is there and ready."""
        principal = self.principal
        catalog = self.store.catalog
        if name.startswith("arn:"):
            account, region, name = self.parse_arn(name)
        else:
            account, region = principal.account, principal.region
        table = catalog.cached(account, region, name) or await catalog.reload(account, region, name)
        if table is None:
            raise errors.resource_not_found()
        if table.record.status != "ACTIVE" and table.record.status_at(self.now()) not in ("ACTIVE", "UPDATING"):
            raise errors.resource_not_found()
        return table

    async def described(self, name: str) -> Table:
        """The table of a control operation, whatever its status; raises ResourceNotFoundException naming it."""
        account, region, short = self.scope(name)
        table = await self.store.catalog.reload(account, region, short)
        if table is None:
            raise errors.table_not_found(short)
        return table

    def scope(self, name: str) -> tuple[str, str, str]:
        """(account, region, table name) that a TableName, which may be an ARN, names."""
        if name.startswith("arn:"):
            return self.parse_arn(name)
        return self.principal.account, self.principal.region, name

    @staticmethod
    def parse_arn(arn: str) -> tuple[str, str, str]:
        """Account, region and table name of a table's ARN (or of one of its sub-resources)."""
        parts = arn.split(":", 5)
        if len(parts) < 6 or not parts[5].startswith("table/"):
            raise errors.validation("Invalid TableArn: Invalid ResourceArn provided as input " + arn)
        return parts[4], parts[3], parts[5].split("/")[1]
