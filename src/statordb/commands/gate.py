"""Who may do what: every command states its demands here before anything is read or written for it."""

import re
from typing import NamedTuple, Protocol

from statordb.model import errors
from statordb.model.request import Principal

TABLE_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:([^:/]+):([0-9]{12}):table/([a-zA-Z0-9_.-]{3,255})")
"""Region, account and name."""


class Demand(Protocol):
    """What somebody wants to do with a table, as policies see it.

    action      dynamodb:PutItem and the like; of a transaction's parts their own.
    table       the table's name or ARN, as the request has it.
    index_name  the index that is read; None for the table itself.

    The classes of demands are the commands themselves: what condition keys need beyond that (leading keys, attributes,
    Select) is theirs, and is looked at only where a policy asks for it.
    """

    @property
    def action(self) -> str: ...

    @property
    def table(self) -> str: ...

    @property
    def index_name(self) -> str | None: ...


class Gate(Protocol):
    """Judges demands."""

    def admit(self, principal: Principal, demand: Demand) -> None:
        """Return if the principal may do that; raises AccessDeniedException."""
        ...


class Named(NamedTuple):
    """The demand of an operation on a table itself: those don't tell their actions yet."""

    table: str
    action: str = "dynamodb:*"
    index_name: str | None = None


class OwnAccount:
    """The gate without policies: within its account a key may do everything, and nothing in others."""

    def admit(self, principal: Principal, demand: Demand) -> None:
        name = demand.table
        if not name.startswith("arn:"):
            return
        found = TABLE_ARN.fullmatch(name)  # what is no ARN of a table is told where it is taken apart
        if found is not None and found[2] != principal.account:
            raise errors.access_denied(
                f"User: {principal.arn} is not authorized to perform this operation on resource: {name} "
                "because no resource-based policy allows it"
            )
