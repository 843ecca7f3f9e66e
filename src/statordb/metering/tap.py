"""What one process counts of one subject until it is taken.

Requests use few different numbers of units, so how often each of them was used is all that has to be noted: one
addition, from which count, sum, lowest and highest are made when the minute is written.
"""

from collections.abc import Callable

from statordb.metering.series import (
    BILLED,
    EVENTUAL,
    FREE,
    READ_UNITS,
    REPLICATED,
    STANDARD,
    STRONG,
    WRITE_UNITS,
    Figures,
    Series,
    Statistic,
    Subject,
)

VALUES_MAX = 256  # different values of one series that are told apart; then they become one statistic
SERIES_MAX = 1000  # of one subject between two takes; what is counted beyond has its metric only
HALF = 0.5
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
        "__weakref__", "_prefix", "_rare", "_reads", "_stir", "_stirred", "_writes", "eventual", "standard", "strong",
        "subject",
    )  # fmt: skip

    def __init__(self, subject: Subject, stir: Stir) -> None:
        self.subject = subject
        self._stir = stir
        self._stirred = False
        self._rare: Figures = {}
        self._prefix: str | None = _UNKNOWN
        self.eventual = Counts(self)
        self.strong = Counts(self)
        self.standard = Counts(self)
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
