"""What the catalog keeps of a table: plain data."""

from dataclasses import dataclass, field, replace
from typing import Any

from statordb.store.record import Kind, Record


@dataclass(frozen=True, slots=True)
class IndexRecord(Record):
    """A secondary index. `status`: CREATING (being built), ACTIVE, UPDATING or DELETING.

    `backfilling`: of one that is being built, whether entries may be put: every process knows of the index.
    """

    name: str
    local: bool
    space: int
    key_schema: list[dict[str, str]]
    projection: dict[str, Any]
    status: str = "ACTIVE"
    backfilling: bool = False
    throughput: dict[str, int] | None = None
    options: dict[str, Any] = field(default_factory=dict)  # members that are echoed: OnDemandThroughput, WarmThroughput


@dataclass(frozen=True, slots=True)
class ExpiryRecord(Record):
    """Time to live. `space` holds the expiry index; `ready` once it covers the whole table."""

    attribute: str
    space: int
    ready: bool


@dataclass(frozen=True, slots=True)
class FeedRecord(Record):
    """A change log that the table's writes append to. `view`: a stream view type; `space` holds the log's shards.

    `shards`: [lowest hash, id] of each open shard, ascending; a shard takes the partitions from its lowest hash on.
    `paused`: writes wait until others are open in their places.
    """

    space: int
    view: str
    shards: list[list[Any]]
    paused: bool = False


@dataclass(frozen=True, slots=True)
class DestinationRecord(Record):
    """A Kinesis data stream that the table's changes are sent to. `status`: ENABLING, ACTIVE, DISABLING, DISABLED,
    UPDATING or ENABLE_FAILED; `precision`: MILLISECOND or MICROSECOND of ApproximateCreationDateTime, None as not
    chosen. `feed`: the log that waits to be sent; None once it is disabled. `changed_at`: when the status became what
    it is, in seconds since the epoch; `description`: why it failed."""

    stream_arn: str
    status: str
    precision: str | None
    feed: FeedRecord | None
    changed_at: float = 0.0
    description: str | None = None

    @property
    def fed(self) -> bool:
        """Whether writes append to its feed."""
        return self.feed is not None and self.status in ("ENABLING", "ACTIVE", "UPDATING")


@dataclass(frozen=True, slots=True)
class TableRecord(Record):
    """A table. `status` is CREATING, UPDATING or DELETING until `settles_at` (seconds since the epoch), ACTIVE or
    gone after. `leftover`: spaces of indexes that are gone, until the keeper has dropped them."""

    account: str
    region: str
    name: str
    id: str
    space: int
    created_at: float
    definitions: list[dict[str, str]]
    key_schema: list[dict[str, str]]
    status: str
    settles_at: float
    indexes: list[IndexRecord] = field(default_factory=list)
    billing_mode: str = "PROVISIONED"
    on_demand_since: float | None = None
    throughput: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)  # members that are kept and echoed as they were given
    tags: dict[str, str] = field(default_factory=dict)
    expiry: ExpiryRecord | None = None
    leftover: list[int] = field(default_factory=list)
    stream: FeedRecord | None = None
    stream_label: str | None = None  # of the latest stream, also once it is disabled
    destinations: list[DestinationRecord] = field(default_factory=list)

    @property
    def arn(self) -> str:
        return f"arn:aws:dynamodb:{self.region}:{self.account}:table/{self.name}"

    def status_at(self, now: float) -> str | None:
        """The status at a time: None once a deletion is over."""
        if self.status == "ACTIVE" or now < self.settles_at:
            return self.status
        return None if self.status == "DELETING" else "ACTIVE"

    def usable_at(self, now: float) -> bool:
        """Whether items can be read and written."""
        return self.status_at(now) in ("ACTIVE", "UPDATING")

    def index(self, name: str) -> IndexRecord | None:
        return next((index for index in self.indexes if index.name == name), None)

    def with_index(self, changed: IndexRecord) -> "TableRecord":
        """The record with the index of that name replaced."""
        return replace(self, indexes=[changed if index.name == changed.name else index for index in self.indexes])

    def spaces(self) -> list[int]:
        """Every space that the table owns; not its streams, which outlive it."""
        owned = [self.space, *(index.space for index in self.indexes), *self.leftover]
        owned += [destination.feed.space for destination in self.destinations if destination.feed is not None]
        return [*owned, self.expiry.space] if self.expiry else owned


KIND = Kind(TableRecord)
dump, load = KIND.dump, KIND.load
