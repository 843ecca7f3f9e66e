"""Rows of the ledger, and where they lie: those of a subject in one partition, in the order of time."""

from dataclasses import dataclass, field
from typing import Any

from statordb.engine.contract import Bounds, Key
from statordb.metering.series import Subject
from statordb.store.keyspace import Space, prefix_end
from statordb.store.record import Kind, Record

SCOPES = b"accounts"  # partition that lists the accounts and regions that have subjects
FOLDED = ""  # the name of the process whose rows are those of all
_TIME_BYTES = 8
_NUMBER_BYTES = 4


@dataclass(frozen=True, slots=True)
class FiguresRecord(Record):
    """What one process counted of a subject in `seconds` from `start` (since the epoch) on, or all of them.

    `figures`: see `metering.series.encode`.
    """

    start: int
    seconds: int
    figures: list[list[Any]]


@dataclass(frozen=True, slots=True)
class SubjectRecord(Record):
    """A subject that has figures, or capacity. `created_at`: when it was first known, in seconds since the epoch;
    `deleted_at`: of a table, when it was, which the keeper finds out. `aged`: up to where its rows have grown old, as
    `metering.minutes.ages` counts them. `settled`: of a table, its capacity and its sizes are in the rest of its
    account and region; `moves`: of a rest, how often something was put there."""

    account: str
    region: str
    kind: str
    name: str
    id: str
    created_at: float
    deleted_at: float | None = None
    aged: list[int] = field(default_factory=list)
    settled: bool = False
    moves: int = 0

    @property
    def subject(self) -> Subject:
        return Subject(self.account, self.region, self.kind, self.name, self.id)

    def ends(self, until: float) -> float:
        """Until when it was there, at most `until`."""
        return until if self.deleted_at is None else min(until, self.deleted_at)

    def changes_until(self, until: float) -> float:
        """Before when its capacity may have changed, its end included, and before `until`."""
        return until if self.deleted_at is None else min(until, self.deleted_at + 1)


@dataclass(frozen=True, slots=True)
class CapacityRecord(Record):
    """The capacity of a table from `at` on, in seconds since the epoch, until the next one.

    id          of the table, which tells it from one of the same name before it.
    capacity    of the table, [read, write] units a second; None on demand.
    indexes     the same of its global indexes, by name.
    maxima      what on-demand requests may use of the table and its indexes ("" is the table), as the API tells it.
    deleted     from then on there is no such table.
    """

    at: float
    id: str
    billing_mode: str
    table_class: str
    capacity: list[int] | None = None
    indexes: dict[str, list[int] | None] = field(default_factory=dict)
    maxima: dict[str, dict[str, int]] = field(default_factory=dict)
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class SeenRecord(Record):
    """The time, in seconds since the epoch, by which the ledger has grown old."""

    seen: float


FIGURES, SUBJECT, CAPACITY, SEEN = Kind(FiguresRecord), Kind(SubjectRecord), Kind(CapacityRecord), Kind(SeenRecord)
KINDS = (FIGURES, SUBJECT, CAPACITY, SEEN)


def figures_key(subject: Subject | bytes, start: int, seconds: int, process: str) -> Key:
    """Of what a process counted of a subject in `seconds` from `start` on. `subject`: or its partition."""
    partition = subject if isinstance(subject, bytes) else partition_of(subject)
    sort = start.to_bytes(_TIME_BYTES, "big") + seconds.to_bytes(_TIME_BYTES, "big") + process.encode()
    return Key(Space.LEDGER, partition, sort)


def key_parts(sort: bytes) -> tuple[int, int, str]:
    """Start, seconds and process of a row, by its sort bytes."""
    start, seconds = sort[:_TIME_BYTES], sort[_TIME_BYTES : 2 * _TIME_BYTES]
    return int.from_bytes(start, "big"), int.from_bytes(seconds, "big"), sort[2 * _TIME_BYTES :].decode()


def between(since: int, until: int) -> Bounds:
    """The rows of a subject that begin from `since` on, and before `until`."""
    return Bounds(since.to_bytes(_TIME_BYTES, "big"), until.to_bytes(_TIME_BYTES, "big"))


def subject_key(subject: Subject) -> Key:
    account, region, kind, name, id = subject
    return Key(Space.LEDGER_SUBJECTS, scope_partition(account, region), f"{kind}/{name}/{id}".encode())


def seen_key() -> Key:
    return Key(Space.LEDGER_SUBJECTS, b"seen", b"")


def subjects_between(prefix: str) -> Bounds:
    """Subjects of a scope whose kind and name begin so: "table/", "table/orders/"."""
    lower = prefix.encode()
    return Bounds(lower, prefix_end(lower)) if lower else Bounds()


def scope_key(account: str, region: str) -> Key:
    return Key(Space.LEDGER_SUBJECTS, SCOPES, f"{account}/{region}".encode())


def scope_partition(account: str, region: str) -> bytes:
    return f"of/{account}/{region}".encode()


def capacity_key(account: str, region: str, name: str, at: float, number: int) -> Key:
    """Of a change of the capacity of a table of that name, at an instant, to the microsecond. `number` tells apart what
    a process does at one."""
    sort = _microseconds(at) + (number % (1 << 32)).to_bytes(_NUMBER_BYTES, "big")
    return Key(Space.LEDGER_CAPACITY, capacity_partition(account, region, name), sort)


def capacity_partition(account: str, region: str, name: str) -> bytes:
    return f"{account}/{region}/{name}".encode()


def capacities_before(until: float) -> Bounds:
    """The changes of before a time."""
    return Bounds(b"", _microseconds(until))


def _microseconds(at: float) -> bytes:
    return round(at * 1e6).to_bytes(_TIME_BYTES, "big")


def partition_of(subject: Subject) -> bytes:
    return "/".join(subject).encode()
