"""What one process counts of one subject until it is taken.

Requests use few different numbers of units, so how often each of them was used is all that has to be noted: one
addition, from which count, sum, lowest and highest are made when the minute is written.
"""

from bisect import bisect_left
from collections.abc import Callable

from statordb.metering.key_use import KeyUse
from statordb.metering.series import (
    BILLED,
    BYTES_OUT,
    EVENTUAL,
    FREE,
    LATENCY,
    READ_UNITS,
    REPLICATED,
    RETURNED_ITEMS,
    STANDARD,
    STRONG,
    WRITE_UNITS,
    Figures,
    Series,
    Statistic,
    Subject,
    bucket_end,
    bucket_of,
)

VALUES_MAX = 256  # different values of one series that are told apart; then they become one statistic
SERIES_MAX = 1000  # of one subject between two takes; what is counted beyond has its metric only
TIMES_MAX = 500  # of one operation, before they become figures, which takes some 0.1 ms
HALF = 0.5
MILLI = 1000.0
_UNKNOWN = "?"

Stir = Callable[["Tap"], None]
"""Told of a tap with the first that it counts since it was taken."""


class Counts(dict[float, int]):
    """How often each value came: `counts[value] += 1`."""

    __slots__ = ("_tap", "before")

    def __init__(self, tap: "Tap") -> None:
        self._tap = tap
        self.before: Statistic | None = None  # values that were too many to be told apart

    def __missing__(self, value: float) -> int:
        if not self:
            self._tap.stir()
        elif len(self) >= VALUES_MAX:
            self.before = self.statistic(1.0)
            self.clear()
        return 0

    def statistic(self, scale: float) -> Statistic:
        """What came so far, values times `scale`."""
        found = Statistic()
        for value, times in self.items():
            found.add(value * scale, times)
        if self.before is not None:
            made = self.before
            found.merge(Statistic(made.count, made.sum * scale, made.min * scale, made.max * scale))
        return found


Sort = tuple[str, str, bool]
"""What units are of: an index ("": the table itself), their kind, whether the index is a local one."""

_EVENTUAL: Sort = ("", EVENTUAL, False)
_STRONG: Sort = ("", STRONG, False)
_STANDARD: Sort = ("", STANDARD, False)


class Tap:
    """Counts for one subject in one process. On hot paths `eventual`, `strong` (both in half units) and `standard` are
    added to by themselves: `tap.eventual[1] += 1`."""

    __slots__ = (
        "__weakref__", "_prefix", "_rare", "_reads", "_stir", "_stirred", "_took", "_writes", "eventual", "key_use",
        "out", "queried", "scanned", "standard", "strong", "subject",
    )  # fmt: skip

    def __init__(self, subject: Subject, stir: Stir) -> None:
        self.subject = subject
        self._stir = stir
        self._stirred = False
        self._rare: Figures = {}
        self._prefix: str | None = _UNKNOWN
        self.out = 0  # bytes of answers; whoever adds to it stirs
        self.eventual = Counts(self)
        self.strong = Counts(self)
        self.standard = Counts(self)
        self.queried = Counts(self)  # items that were returned to a Query
        self.scanned = Counts(self)
        self.key_use: KeyUse | None = None  # where keys are looked at
        self._took: dict[str, list[float]] = {}
        self._reads: dict[Sort, Counts] = {_EVENTUAL: self.eventual, _STRONG: self.strong}
        self._writes: dict[Sort, Counts] = {_STANDARD: self.standard}

    def stir(self) -> None:
        """Something is about to be counted."""
        if not self._stirred:
            self._stirred = True
            self._stir(self)

    def read(self, halves: int, kind: str = EVENTUAL) -> None:
        """A request read of the table itself, in half units."""
        self._of(self._reads, ("", kind, False))[halves] += 1

    def index_read(self, name: str, halves: int, kind: str = EVENTUAL, local: bool = False) -> None:
        """A request read of an index, in half units."""
        self._of(self._reads, (name, kind, local))[halves] += 1

    def write(self, units: int, kind: str = STANDARD) -> None:
        """A request wrote to the table itself."""
        self._of(self._writes, ("", kind, False))[units] += 1

    def index_write(self, name: str, units: int, kind: str = STANDARD, local: bool = False) -> None:
        """A request wrote to an index."""
        self._of(self._writes, (name, kind, local))[units] += 1

    def times(self, operation: str) -> list[float]:
        """The list that is added to, in seconds, when a request was answered with success. Call `stir` with the first,
        and `spread` when there are TIMES_MAX."""
        return self._took.setdefault(operation, [])

    def took(self, operation: str, seconds: float) -> None:
        """A request was answered with success, after so long."""
        times = self.times(operation)
        if not times:
            self.stir()
        times.append(seconds)
        if len(times) >= TIMES_MAX:
            self.spread(operation, times)

    def add(self, series: Series, value: float, times: int = 1, spread: bool = False) -> None:
        """Anything else. `spread`: see `Statistic.spread`."""
        self.stir()
        found = self._rare.get(series)
        if found is None:
            if len(self._rare) >= SERIES_MAX:
                series = Series(series.metric)
            found = self._rare.setdefault(series, Statistic())
        if spread:
            found.spread(value, times)
        else:
            found.add(value, times)

    @property
    def is_billed(self) -> bool:
        """Whether anybody has said how requests are billed."""
        return self._prefix is not _UNKNOWN

    def bill_as(self, prefix: str | None) -> None:
        """From now on requests are billed by units of usage types with this prefix; None: they are not, as those of
        provisioned tables."""
        if prefix != self._prefix:
            self._settle()
            self._prefix = prefix

    def take(self) -> Figures:
        """What was counted since this was called last."""
        self._stirred = False
        self._settle()
        figures, self._rare = self._rare, {}
        return figures

    def _settle(self) -> None:
        """Make figures of the units that were counted, and what is billed of them."""
        self._move(READ_UNITS, "ReadRequestUnits", self._reads, HALF)
        self._move(WRITE_UNITS, "WriteRequestUnits", self._writes, 1.0)
        for operation, counts in (("Query", self.queried), ("Scan", self.scanned)):
            if counts:
                self._figure(Series(RETURNED_ITEMS, "", operation)).merge(counts.statistic(1.0))
                counts.clear()
                counts.before = None
        for operation, times in self._took.items():
            if times:
                self.spread(operation, times)
        if self.out:
            self._figure(Series(BYTES_OUT)).add(self.out)
            self.out = 0

    def spread(self, operation: str, times: list[float]) -> None:
        """Make figures of what requests took."""
        times.sort()
        buckets: dict[int, int] = {}
        at = 0
        while at < len(times):  # one step for each bucket, of which there are few
            bucket = bucket_of(times[at] * MILLI)
            end = max(bisect_left(times, bucket_end(bucket) / MILLI, at), at + 1)
            buckets[bucket] = buckets.get(bucket, 0) + end - at
            at = end
        total, least, most = sum(times) * MILLI, times[0] * MILLI, times[-1] * MILLI
        self._figure(Series(LATENCY, "", operation)).merge(Statistic(len(times), total, least, most, buckets))
        times.clear()

    def _move(self, metric: str, usage_type: str, counted: dict[Sort, Counts], scale: float) -> None:
        """Counts of tables that have had very many indexes are forgotten, and come again with what is counted."""
        forgets = len(counted) >= SERIES_MAX
        for sort, counts in tuple(counted.items()):
            index, kind, local = sort
            if counts:
                found = counts.statistic(scale)
                self._figure(Series(metric, index, "", kind, local)).merge(found)
                if self._prefix is not None and self._prefix is not _UNKNOWN and kind not in FREE:
                    repl = "Repl" if kind == REPLICATED else ""
                    self._figure(Series(BILLED, kind=f"{self._prefix}{repl}{usage_type}")).merge(found)
                counts.clear()
                counts.before = None
            if forgets and index:
                del counted[sort]

    def _figure(self, series: Series) -> Statistic:
        found = self._rare.get(series)
        if found is None:
            found = self._rare[series] = Statistic()
        return found

    def _of(self, counted: dict[Sort, Counts], sort: Sort) -> Counts:
        found = counted.get(sort)
        if found is None:
            if len(counted) >= SERIES_MAX:
                return next(iter(counted.values()))
            found = counted[sort] = Counts(self)
        return found
