"""What is counted, of whom, and what a minute of it comes to: sum, count, lowest and highest, as CloudWatch has them.

Metrics have CloudWatch's names where there is one (developer guide, "DynamoDB metrics and dimensions").
"""

from collections.abc import Mapping, Sequence
from math import frexp
from typing import Any, NamedTuple

# Kinds of subjects.
TABLE, FUNCTION, ACCOUNT = "table", "function", "account"
REST = "rest"  # of an account in a region: what those of its tables were billed that are gone, and listed no more

READ_UNITS, WRITE_UNITS = "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"
LATENCY = "SuccessfulRequestLatency"  # milliseconds
RETURNED_RECORDS, RETURNED_BYTES = "ReturnedRecordsCount", "ReturnedBytes"  # of GetRecords
RETURNED_ITEMS = "ReturnedItemCount"
EXPIRED_ITEMS = "TimeToLiveDeletedItemCount"
STREAM_READS = "StreamsReadRequests"  # GetRecords, by clients
CHANGE_UNITS = "ChangeDataCaptureUnits"  # that went to Kinesis: one for each KB of the larger image
TABLE_BYTES, TABLE_ITEMS = "TableSizeBytes", "ItemCount"  # samples
BYTES_OUT = "BytesOut"  # of answers, without their headers
TABLE_CHANGES = "TableChanges"  # of its record
BILLED = "BilledUsage"  # kind: the usage type, without the code of a region; those that end with -Bytes are in bytes

# Kinds of units. What a statement of PartiQL used is told apart; what expiry deletes is free.
EVENTUAL, STRONG, TRANSACTIONAL = "eventual", "strong", "transactional"
STANDARD, EXPIRY, REPLICATED = "standard", "expiry", "replicated"
PARTIQL = "partiql-"
FREE = frozenset((EXPIRY,))

BUCKET_LEAST = -80  # holds all below 2**-10: of milliseconds a microsecond
BUCKETS_PER_DOUBLING = 8  # of a distribution: each is 9% wider than the one before
_FRACTION = 0.5  # that a mantissa is at least

Figures = dict["Series", "Statistic"]


class Subject(NamedTuple):
    """Whose figures they are. `kind`: TABLE, FUNCTION, ACCOUNT or REST; the last two have no name.
    `id`: tells a table from one of the same name before it."""

    account: str
    region: str
    kind: str
    name: str = ""
    id: str = ""


class Series(NamedTuple):
    """One figure of a subject, by CloudWatch's name and dimensions. `local`: the index is one: its units are part of
    the table's there."""

    metric: str
    index: str = ""  # type: ignore[assignment]  # nobody asks a tuple where something is
    operation: str = ""
    kind: str = ""
    local: bool = False


class Statistic:
    """Values of a series in some time. `buckets`: how many of them were in each bucket of a distribution, which only
    series have that are added to with `spread`."""

    __slots__ = ("buckets", "count", "max", "min", "sum")

    def __init__(
        self,
        count: int = 0,
        sum: float = 0.0,
        min: float = 0.0,
        max: float = 0.0,
        buckets: Mapping[int, int] | None = None,
    ) -> None:
        self.count = count
        self.sum = sum
        self.min = min
        self.max = max
        self.buckets = dict(buckets) if buckets else None

    def add(self, value: float, times: int = 1) -> None:
        if not self.count or value < self.min:
            self.min = value
        if not self.count or value > self.max:
            self.max = value
        self.count += times
        self.sum += value * times

    def spread(self, value: float, times: int = 1) -> None:
        """Add a value that is to be seen in the distribution."""
        self.add(value, times)
        if self.buckets is None:
            self.buckets = {}
        at = bucket_of(value)
        self.buckets[at] = self.buckets.get(at, 0) + times

    def merge(self, other: "Statistic") -> None:
        """Take in what another one has."""
        if not other.count:
            return
        self.min = min(self.min, other.min) if self.count else other.min
        self.max = max(self.max, other.max) if self.count else other.max
        self.count += other.count
        self.sum += other.sum
        if other.buckets:
            mine = self.buckets = self.buckets or {}
            for at, count in other.buckets.items():
                mine[at] = mine.get(at, 0) + count

    def merged(self, other: "Statistic") -> "Statistic":
        """Both in one, which is a new one."""
        made = Statistic(self.count, self.sum, self.min, self.max, self.buckets)
        made.merge(other)
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Statistic) and self._parts() == other._parts()

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Statistic{self._parts()}"

    def _parts(self) -> tuple[int, float, float, float, dict[int, int] | None]:
        return self.count, self.sum, self.min, self.max, self.buckets or None


def bucket_of(value: float) -> int:
    """The bucket of a distribution that holds a value; bucket 0 is the last one below 1."""
    if value <= 0:
        return BUCKET_LEAST
    fraction, exponent = frexp(value)
    bucket = 1 + (exponent - 1) * BUCKETS_PER_DOUBLING + int((fraction - _FRACTION) * 2 * BUCKETS_PER_DOUBLING)
    return max(bucket, BUCKET_LEAST)


def bucket_end(bucket: int) -> float:
    """What the values of a bucket are below."""
    doublings, part = divmod(bucket, BUCKETS_PER_DOUBLING)
    return float((1 + part / BUCKETS_PER_DOUBLING) * 2**doublings)


def add_figures(to: Figures, figures: Figures) -> None:
    """Merge figures into others, which are changed."""
    for series, statistic in figures.items():
        known = to.get(series)
        if known is None:
            known = to[series] = Statistic()
        known.merge(statistic)


def encode(figures: Figures) -> list[list[Any]]:
    """Figures as JSON has them: [metric, index, operation, kind, local, count, sum, min, max], and behind these the
    buckets of a distribution as [bucket, count, ...]. Members may be added at the end."""
    return [
        [*series, statistic.count, statistic.sum, statistic.min, statistic.max]
        + ([[part for pair in sorted(statistic.buckets.items()) for part in pair]] if statistic.buckets else [])
        for series, statistic in figures.items()
    ]


def decode(told: Sequence[Sequence[Any]]) -> Figures:
    """What `encode` gave."""
    figures: Figures = {}
    for metric, index, operation, kind, local, count, total, lowest, highest, *further in told:
        buckets = dict(zip(further[0][::2], further[0][1::2], strict=True)) if further else None
        figures[Series(metric, index, operation, kind, local)] = Statistic(count, total, lowest, highest, buckets)
    return figures
