"""What has to be allowed for a request: actions on resources, as policies name them.

Which those are: AWS's service authorization reference, "Actions, resources, and condition keys for Amazon DynamoDB".
Nearly every operation demands the action of its own name; those that do others' work demand the others' actions.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from statordb.model.arns import parse_stream, parse_table
from statordb.model.request import Principal

EVERYTHING = "*"
_NO_FACTS: dict[str, tuple[str, ...]] = {}
_NO_TAGS: dict[str, str | None] = {}


class Demand(Protocol):
    """Something that somebody wants to do, as policies see it.

    action      dynamodb:PutItem and the like; of a transaction's parts their own.
    table       the table's name or ARN, as the request has it; of what is no table, what it is called. Demands that
                agree in action, table and index are about the same.
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
        return self.stream_arn

    @property
    def index_name(self) -> None:
        return None


class WritesDemand(NamedTuple):
    """To make writes of items of a table, several at once."""

    action: str
    table: str
    writes: Sequence[Demand]

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
        return self.below

    @property
    def index_name(self) -> None:
        return None


class ResourceDemand(NamedTuple):
    """To do something, of whatever service, with what an ARN or a pattern names. `facts`: condition keys of that, in
    lower case, which nothing else tells."""

    action: str
    arn: str
    facts: Mapping[str, tuple[str, ...]] = _NO_FACTS

    @property
    def table(self) -> str:
        return self.arn

    @property
    def index_name(self) -> None:
        return None


class Enclosed(NamedTuple):
    """The demand of a part of a transaction, `operation` (the condition key EnclosingOperation). `shows`: where its
    condition does not hold, the item is told."""

    operation: str
    part: Demand
    shows: bool = False

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


Place = tuple[str, str, str]
"""Account, region and name of a table."""

Placed = Callable[[Principal, str, str], tuple[str, str]]
"""Where the tables are that ARNs of an account and region name: `Gate.place`."""


def place_of(principal: Principal, demand: Demand, placed: Placed) -> Place | None:
    """The table that a demand is about; None where it names none."""
    if isinstance(demand, AccountDemand | ResourceDemand):
        return None
    if isinstance(demand, StreamDemand):
        stream = parse_stream(demand.stream_arn)
        return None if stream is None else (*placed(principal, *stream[:2]), stream[2])
    name = demand.table
    if not name.startswith("arn:"):
        return principal.account, principal.region, name
    found = parse_table(name)
    return None if found is None else (*placed(principal, *found[:2]), found[2])


def resource(principal: Principal, demand: Demand, placed: Placed) -> str:
    """The ARN of what a demand is about, or a pattern of ARNs; as policies have it, whatever partition the request
    named."""
    if isinstance(demand, AccountDemand):
        own = f"arn:aws:dynamodb:{principal.region}:{principal.account}:"
        return EVERYTHING if demand.below == EVERYTHING else own + demand.below
    if isinstance(demand, ResourceDemand):
        return demand.arn
    place = place_of(principal, demand, placed)
    if place is None:
        return demand.table
    account, region, name = place
    table = f"arn:aws:dynamodb:{region}:{account}:table/{name}"
    if isinstance(demand, StreamDemand):
        return f"{table}/stream/{demand.stream_arn.partition('/stream/')[2]}"
    return table if demand.index_name is None else f"{table}/index/{demand.index_name}"
