"""What bills want of each day of a subject. Days that are over stay what they are, so whoever asks again and again, as
a console does, has them read once."""

from collections import OrderedDict
from dataclasses import dataclass, field

from statordb.metering.minutes import FOLDED_AFTER
from statordb.metering.month import DAY
from statordb.metering.series import (
    BILLED,
    BYTES_OUT,
    CHANGE_UNITS,
    STREAM_READS,
    TABLE_BYTES,
    TABLE_ITEMS,
    Figures,
    Statistic,
    Subject,
    decode,
)
from statordb.metering.usage import ITEM_OVERHEAD_BYTES, Step
from statordb.store.ledger.ledger import Ledger

DAYS_MAX = 20_000
"""Days of subjects that are known, each of some hundred bytes to a few thousand."""
COUNTED = frozenset((BILLED, BYTES_OUT, CHANGE_UNITS, STREAM_READS))
_SIZES = frozenset((TABLE_BYTES, TABLE_ITEMS))


@dataclass(slots=True)
class Day:
    """What was counted, and the sizes that were seen."""

    figures: Figures = field(default_factory=dict)
    sizes: list[Step] = field(default_factory=list)


class Days:
    """Days of all subjects of a ledger; those that are asked for seldom are forgotten first."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._known: OrderedDict[tuple[Subject, int], Day] = OrderedDict()

    async def of(self, subject: Subject, begins: int, now: float, stays: bool = True) -> Day:
        """The day that begins at a second since the epoch. `now`: up to which it may have gone; `stays`: once it is
        over it stays what it is."""
        place = (subject, begins)
        known = self._known.get(place) if stays else None
        if known is not None:
            self._known.move_to_end(place)
            return known
        day = Day()
        async for row in self.ledger.rows(subject, begins, begins + DAY):
            figures = decode(row.figures)
            for series, statistic in figures.items():
                if series.metric in COUNTED:
                    day.figures.setdefault(series, Statistic()).merge(statistic)
            if (size := size_of(figures)) is not None:
                day.sizes.append(Step(row.start, size))
        if stays and now >= begins + DAY + FOLDED_AFTER * self.ledger.minutes.seconds:  # nothing comes late any more
            self._known[place] = day
            if len(self._known) > DAYS_MAX:
                self._known.popitem(last=False)
        return day


def size_of(figures: Figures) -> int | None:
    """Bytes of storage that were seen, of the table and its indexes; the mean where they were looked at twice."""
    parts = [
        statistic.sum / statistic.count * (ITEM_OVERHEAD_BYTES if series.metric == TABLE_ITEMS else 1)
        for series, statistic in figures.items()
        if series.metric in _SIZES
    ]
    return round(sum(parts)) if parts else None
