"""What has to be allowed for a request: actions on resources, as policies name them.

Which those are: AWS's service authorization reference, "Actions, resources, and condition keys for Amazon DynamoDB".
Nearly every operation demands the action of its own name; those that do others' work demand the others' actions.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from statordb.model.request import Principal

TABLE_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:([^:/]+):([0-9]{12}):table/([a-zA-Z0-9_.-]{3,255})")
"""Region, account and name."""

EVERYTHING = "*"
_NO_TAGS: dict[str, str | None] = {}


class Demand(Protocol):
    """Something that somebody wants to do, as policies see it.

    action      dynamodb:PutItem and the like; of a transaction's parts their own.
    table       the table's name or ARN, as the request has it; `EVERYTHING` where no table is named.
    index_name  the index that is read; None for the table itself.

    The classes of demands on items are the commands themselves: what condition keys need beyond that (leading keys,
    attributes, Select) is theirs, and is looked at only where a policy asks for it.
    """

    @property
    def action(self) -> str: ...

    @property
    def table(self) -> str: ...

    @property
    def index_name(self) -> str | None: ...


class TableDemand(NamedTuple):
    """To do something with a table itself. `tags`: those that the request sets on it (aws:RequestTag, aws:TagKeys);
    None is the value of those that it takes away."""

    action: str
    table: str
    tags: Mapping[str, str | None] = _NO_TAGS

    @property
    def index_name(self) -> None:
        return None


class StreamDemand(NamedTuple):
    """To read a stream of a table."""

    action: str
    stream_arn: str

    @property
    def table(self) -> str:
        return self.stream_arn.partition("/stream/")[0]

    @property
    def index_name(self) -> None:
        return None


class AccountDemand(NamedTuple):
    """To do what concerns no table in particular. `below`: the resources of the account, as a pattern such as
    table/*/stream/*; `EVERYTHING` for actions that know no resources."""

    action: str
    below: str = EVERYTHING

    @property
    def table(self) -> str:
        return EVERYTHING

    @property
    def index_name(self) -> None:
        return None


class KeyDemand(NamedTuple):
    """To do something with a key of KMS, or an alias, by its ARN; `EVERYTHING` where none is named."""

    action: str
    key_arn: str

    @property
    def table(self) -> str:
        return EVERYTHING

    @property
    def index_name(self) -> None:
        return None


class Enclosed(NamedTuple):
    """The demand of a part of a transaction, `operation` (the condition key EnclosingOperation)."""

    operation: str
    part: Demand

    @property
    def action(self) -> str:
        return self.part.action

    @property
    def table(self) -> str:
        return self.part.table

    @property
    def index_name(self) -> str | None:
        return self.part.index_name


def enclosed(operation: str, parts: Iterable[Demand]) -> list[Enclosed]:
    """The demands of a transaction."""
    return [Enclosed(operation, part) for part in parts]


def resource(principal: Principal, demand: Demand) -> str:
    """The ARN of what a demand is about, or a pattern of ARNs."""
    own = f"arn:aws:dynamodb:{principal.region}:{principal.account}:"
    if isinstance(demand, StreamDemand):
        return demand.stream_arn
    if isinstance(demand, KeyDemand):
        return demand.key_arn
    if isinstance(demand, AccountDemand):
        return EVERYTHING if demand.below == EVERYTHING else own + demand.below
    table = demand.table if demand.table.startswith("arn:") else f"{own}table/{demand.table}"
    return table if demand.index_name is None else f"{table}/index/{demand.index_name}"
