"""What every operation gets: the store, who asks, and the time."""

import re
from typing import Any, NamedTuple

from statordb.model import errors
from statordb.model.request import Principal
from statordb.store.store import Store
from statordb.store.table import Table

_TABLE_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:([^:/]+):([0-9]{12}):table/([a-zA-Z0-9_.-]{3,255})")

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
        return table if table is not None and table.settled else None

    async def table(self, name: str) -> Table:
        """The table of a data operation; raises ResourceNotFoundException unless it is there and ready."""
        catalog = self.store.catalog
        account, region, name = self.scope(name)
        table = catalog.cached(account, region, name) or await catalog.reload(account, region, name)
        if table is None:
            raise errors.resource_not_found()
        if not table.settled and not table.record.usable_at(self.now()):
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
        """(account, region, table name) that a TableName, which may be an ARN, names.

        Raises AccessDeniedException for another account's table: no policy can allow it yet.
        """
        if not name.startswith("arn:"):
            return self.principal.account, self.principal.region, name
        scope = self.parse_arn(name)
        if scope[0] != self.principal.account:
            raise errors.access_denied(
                f"User: {self.principal.arn} is not authorized to perform this operation on resource: {name} "
                "because no resource-based policy allows it"
            )
        return scope

    @staticmethod
    def parse_arn(arn: str) -> tuple[str, str, str]:
        """Account, region and table name of a table's ARN."""
        match = _TABLE_ARN.fullmatch(arn)
        if match is None:
            raise errors.validation("Invalid TableArn: Invalid ResourceArn provided as input " + arn)
        region, account, name = match.groups()
        return account, region, name
