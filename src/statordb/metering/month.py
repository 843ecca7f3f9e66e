"""A month of UTC, which is what bills are of."""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime

HOUR, DAY = 3600, 86_400
"""Seconds."""


@dataclass(frozen=True, slots=True, order=True)
class Month:
    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Of a text such as 2026-11. Raises ValueError."""
        found = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", text)
        if found is None or not 1970 <= int(found[1]) < 9999:
            raise ValueError(f"{text!r} is not a month, such as 2026-11")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, seconds: float) -> "Month":
        """The month of a time since the epoch."""
        date = datetime.fromtimestamp(seconds, UTC)
        return cls(date.year, date.month)

    @property
    def begins(self) -> int:
        """Seconds since the epoch."""
        return calendar.timegm((self.year, self.month, 1, 0, 0, 0))

    @property
    def ends(self) -> int:
        """Seconds since the epoch: when the next month begins."""
        return self.begins + self.hours * HOUR

    @property
    def hours(self) -> int:
        """From 672 to 744."""
        return calendar.monthrange(self.year, self.month)[1] * 24

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"
