"""Which keys of a table, and of its global indexes, were used and throttled, of those that have Contributor Insights.

A part of the requests is looked at: all of the first in a minute, then one of 8, then one of 64, and each counts for so
many. What was seen is a sketch for each minute, table or index, and kind of key, whose size does not depend on what
comes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from statordb.metering.minutes import Minutes
from statordb.metering.sketch import Sketch

ALL_UNTIL, SOME_UNTIL = 1000, 10_000  # requests of a minute
SOME, FEW = 8, 64  # one of so many behind those
TEXT_CHARACTERS_MAX = 256  # of a key that are told
MINUTES_MAX = 3  # that are kept until somebody takes them

ACCESSED, THROTTLED = "C", "T"
PARTITION, PAIR = "PK", "SK"


class Part(NamedTuple):
    """A table, or an index. `names`: of its key attributes; `has_accessed`: not only what is throttled is told."""

    names: tuple[str, ...]
    has_accessed: bool


class Kind(NamedTuple):
    """What a sketch is of: PARTITION keys or PAIRs, ACCESSED or THROTTLED. `whose`: an index, "" for the table."""

    whose: str
    keys: str
    use: str


Use = dict[Kind, Sketch]


class KeyUse:
    """Of one table in one process. `random`: gives a whole number of at least 1 and at most its argument."""

    def __init__(
        self,
        parts: Mapping[str, Part],
        minutes: Minutes,
        now: Callable[[], float],
        random: Callable[[int], int],
    ) -> None:
        self.parts = parts
        self._minutes = minutes
        self._now = now
        self._random = random
        self._taken: dict[int, Use] = {}
        self._minute = 0
        self._seen = 0
        self._skip = 0

    def draw(self) -> int:
        """For how many requests the next one counts; 0: it is not looked at."""
        self._seen += 1
        if self._skip:
            self._skip -= 1
            return 0
        minute = self._minutes.start(self._now())
        if minute != self._minute:
            self._minute, self._seen = minute, 1
        every = 1 if self._seen <= ALL_UNTIL else SOME if self._seen <= SOME_UNTIL else FEW
        if every > 1:
            self._skip = self._random(2 * every - 1) - 1  # so that no rhythm of requests is met again and again
        return every

    def add(self, index: str, values: Sequence[str], use: str, times: int) -> None:
        """A key of a part was used."""
        part = self.parts.get(index)
        if part is None or (use == ACCESSED and not part.has_accessed):
            return
        texts = tuple(value[:TEXT_CHARACTERS_MAX] for value in values)
        self._sketch(Kind(index, PARTITION, use)).add(texts[:1], times)
        if len(part.names) > 1 and len(texts) == len(part.names):
            self._sketch(Kind(index, PAIR, use)).add(texts, times)

    def minutes(self) -> list[tuple[int, Use]]:
        """All that was seen, by minute; what is over is not told again."""
        found = list(self._taken.items())
        now = self._minutes.start(self._now())
        self._taken = {minute: use for minute, use in found if minute >= now}
        return found

    def _sketch(self, kind: Kind) -> Sketch:
        minute = self._minutes.start(self._now())
        use = self._taken.get(minute)
        if use is None:
            while len(self._taken) >= MINUTES_MAX:
                del self._taken[min(self._taken)]
            use = self._taken[minute] = {}
        found = use.get(kind)
        if found is None:
            found = use[kind] = Sketch()
        return found
