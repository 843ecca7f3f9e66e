"""What the catalog keeps of a table: plain data."""

from dataclasses import dataclass, field, replace
from typing import Any

from statordb.store.kms.records import OWNED, KeyName, name_of, wrapping_key
from statordb.store.record import Kind, Members, Record

STREAM, KINESIS, BACKUP, ARCHIVE = (
    "stream/",
    "kinesis/",
    "backup/",
    "archive/",
)  # readers of logs begin with what they are


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
    options: dict[str, Any] = field(default_factory=dict)  # members that are shown: OnDemandThroughput, WarmThroughput


@dataclass(frozen=True, slots=True)
class ExpiryRecord(Record):
    """Time to live. `space` holds the expiry index; `ready` once it covers the whole table."""

    attribute: str
    space: int
    ready: bool


@dataclass(frozen=True, slots=True)
class LogHead(Record):
    """Where a table's writes append their changes: the open shards of its log, which lies in `space`.

    `carries`: the view that shows what entries have. `shards`: [lowest hash, id] of each open shard, ascending; a shard
    takes the partitions from its lowest hash on. `paused`: writes wait until others are open in their places.
    """

    space: int
    carries: str
    shards: list[list[Any]]
    paused: bool = False


@dataclass(frozen=True, slots=True)
class DestinationRecord(Record):
    """A Kinesis data stream that the table's changes are sent to. `status`: ENABLING, ACTIVE, DISABLING, DISABLED,
    UPDATING or ENABLE_FAILED; `precision`: MILLISECOND or MICROSECOND of ApproximateCreationDateTime, None as not
    chosen. `reader`: its name among the readers of the log that lies in the space `log`; both None once it is over.
    `changed_at`: when the status became what it is, in seconds since the epoch; `description`: why it failed."""

    stream_arn: str
    status: str
    precision: str | None
    reader: str | None = None
    log: int | None = None
    changed_at: float = 0.0
    description: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyRecord(Record):
    """The policy of a table (`label` is ""), or of its stream with that label. `text`: "" once it is deleted;
    `revision`: of the last change, as digits."""

    label: str
    text: str
    revision: str


@dataclass(frozen=True, slots=True)
class InsightRecord(Record):
    """Contributor Insights of a table (`index` is "") or of a global index. `stamp`: in the names of its rules.
    `settles_at`: until then, in seconds since the epoch, it is being enabled, or disabled; `changed_at`: since when.
    `failure`: why it could not be enabled, "" where it could."""

    index: str
    enabled: bool
    mode: str
    stamp: str
    changed_at: float
    settles_at: float
    failure: str = ""

    @property
    def counts(self) -> bool:
        """Whether keys are looked at."""
        return self.enabled and not self.failure

    @property
    def has_accessed(self) -> bool:
        """Whether that is told of all that is used, and not only of what is throttled."""
        return self.mode == "ACCESSED_AND_THROTTLED_KEYS"

    def status_at(self, now: float) -> str:
        if self.failure:
            return "FAILED"
        if now < self.settles_at:
            return "ENABLING" if self.enabled else "DISABLING"
        return "ENABLED" if self.enabled else "DISABLED"


@dataclass(frozen=True, slots=True)
class RestoreRecord(Record):
    """That a table's items are being put back. `source`: the ARN of the table that they were in; `at`: as of when, in
    seconds since the epoch; `backup`: the ARN of the backup that they are taken from, and `size` of the items in it.
    `track`: the id of what the archive has of the source, where they are taken from that; `backup` is "" then."""

    source: str
    at: float
    backup: str
    size: int = 0
    track: str = ""


@dataclass(frozen=True, slots=True)
class RecoveryRecord(Record):
    """Point-in-time recovery of a table: that it is enabled, since when, and for how many days what was is kept.
    `deleted_at`: when the table was deleted, which waits for its last backup. Times in seconds since the epoch."""

    enabled_at: float
    days: int
    deleted_at: float | None = None


NEVER = 2.0**53  # when a status settles that lasts until somebody ends it


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
    options: dict[str, Any] = field(default_factory=dict)  # members that are kept and shown
    tags: dict[str, str] = field(default_factory=dict)
    expiry: ExpiryRecord | None = None
    leftover: list[int] = field(default_factory=list)
    log: LogHead | None = None  # while somebody wants to be told of changes
    stream_label: str | None = None  # of the latest stream, also once it is disabled
    stream_view: str | None = None  # None: no stream is enabled
    destinations: list[DestinationRecord] = field(default_factory=list)
    key_arn: str | None = None  # of the key of KMS that it is encrypted with; None: one of AWS's own
    key_changes: list[float] = field(default_factory=list)  # of the last 24 hours, in seconds since the epoch
    class_changes: list[float] = field(default_factory=list)  # of the table class, of the last 30 days, likewise
    switches: list[float] = field(default_factory=list)  # to on demand, of the last 24 hours, likewise
    # What wraps the data keys of its rows: several until they are sealed anew; the last one those of new rows.
    sealed_by: list[str] = field(default_factory=lambda: [OWNED])
    policies: list[PolicyRecord] = field(default_factory=list)  # one each of the table and its streams
    insights: list[InsightRecord] = field(default_factory=list)  # one each of the table and its global indexes
    restore: RestoreRecord | None = None  # as long as it is CREATING for that
    recovery: RecoveryRecord | None = None  # of its point-in-time recovery, while that is enabled
    track: str | None = None  # what the archive has of it, while it is archived (`store/archive`)
    import_arn: str | None = None  # as long as it is CREATING for that import

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

    def sealed_anew(self, name: str) -> "TableRecord":
        """The record with what wraps the data keys of new rows."""
        return replace(self, sealed_by=[*(each for each in self.sealed_by if each != name), name])

    def needed_keys(self) -> list[KeyName]:
        """The keys of KMS without which not all of its rows can be read, and those that are to come can't be sealed."""
        found = [found[0] for name in self.sealed_by if (found := wrapping_key(name)) is not None]
        return list(dict.fromkeys(found if self.key_arn is None else [name_of(self.key_arn), *found]))

    def index(self, name: str) -> IndexRecord | None:
        return next((index for index in self.indexes if index.name == name), None)

    def insight(self, index: str) -> InsightRecord | None:
        """The Contributor Insights of the table (""), or of an index, if they ever were enabled."""
        return next((each for each in self.insights if each.index == index), None)

    def with_index(self, changed: IndexRecord) -> "TableRecord":
        """The record with the index of that name replaced."""
        return replace(self, indexes=[changed if index.name == changed.name else index for index in self.indexes])

    @property
    def is_being_filled(self) -> bool:
        """Whether it is CREATING until the keeper has put its items there."""
        return self.status == "CREATING" and (self.restore is not None or self.import_arn is not None)

    def is_restored_from(self, backup: str) -> bool:
        """Whether it is being filled from the backup of that ARN."""
        return self.restore is not None and self.restore.backup == backup

    def spaces(self) -> list[int]:
        """Every space that the table owns; not its log's, which outlives it."""
        owned = [self.space, *(index.space for index in self.indexes), *self.leftover]
        return [*owned, self.expiry.space] if self.expiry else owned


def _name_the_log(members: Members) -> Members:
    """Streams and destinations had logs of their own. `migration` gives the table one that they read from there on."""
    stream = members.pop("stream", None)
    if stream is not None:
        members["stream_view"] = stream["view"]
        members["log"] = {"carries" if name == "view" else name: value for name, value in stream.items()}
    for destination in members.get("destinations", ()):
        feed = destination.pop("feed", None)
        if feed is not None:
            destination["log"] = feed["space"]
            destination["reader"] = kinesis_reader(feed["space"])
    return members


def kinesis_reader(number: int) -> str:
    """The name of a Kinesis destination among the readers of a log. `number`: of no other one there."""
    return f"{KINESIS}{number}"


def stream_reader(label: str) -> str:
    """The name of a stream among the readers of its log."""
    return f"{STREAM}{label}"


KIND = Kind(TableRecord, (_name_the_log,))
dump, load = KIND.dump, KIND.load
