"""The ledger's minutes, and what becomes of them as they grow old.

CloudWatch keeps minutes for 15 days, five minutes for 63 days, and hours for 455 days (CloudWatch user guide, "Metrics
retention"). For tests, and for those who want to see a day go by, a minute may be shorter: all else is with it.
"""

from dataclasses import dataclass
from typing import NamedTuple

MINUTE_SECONDS = 60
FIVE, HOUR, DAY = 5, 60, 24 * 60  # in minutes
FOLDED_AFTER = HOUR  # what the processes have of a minute becomes one
WRITTEN_WITHIN = 40  # what could not be written of a minute by then is told as of a later one
FLUSHES_PER_MINUTE = 6


class Age(NamedTuple):
    """From `after` seconds on there are rows of no less than `length` seconds; none at all where that is None."""

    after: int
    length: int | None


@dataclass(frozen=True, slots=True)
class Minutes:
    """`seconds`: of a minute."""

    seconds: int = MINUTE_SECONDS

    def start(self, at: float) -> int:
        """The first second of the minute of a time; both since the epoch."""
        return int(at // self.seconds) * self.seconds

    def ages(self) -> tuple[Age, ...]:
        """What becomes of rows, the youngest first."""
        minute = self.seconds
        return (
            Age(FOLDED_AFTER * minute, minute),
            Age(15 * DAY * minute, FIVE * minute),
            Age(63 * DAY * minute, HOUR * minute),
            Age(455 * DAY * minute, None),
        )

    @property
    def late_seconds(self) -> int:
        """Behind a minute's start nothing is written to it any more."""
        return WRITTEN_WITHIN * self.seconds

    @property
    def flush_seconds(self) -> float:
        """Between two flushes: as much as a process that is killed may have counted for nothing."""
        return self.seconds / FLUSHES_PER_MINUTE
