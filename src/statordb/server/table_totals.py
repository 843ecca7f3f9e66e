"""What each table has used since this process began, as Prometheus wants it: numbers that only grow.

They come from the ledger, which all processes and servers write, so they are 10 seconds old. Tables have names of
clients' choice, and a label of each value is kept by Prometheus for ever: the first TABLES_MAX that use something are
named, and all others are one.
"""

import asyncio
import logging
from typing import NamedTuple

from statordb.metering.series import FREE, READ_UNITS, TABLE, WRITE_UNITS, Figures, Subject
from statordb.model.clock import Clock
from statordb.store.ledger.ledger import Ledger

TABLES_MAX = 100  # that are named
SUBJECTS_MAX = 1000  # that are looked at
LOOK_SECONDS = 10.0  # between two looks: the ledger is not written more often
LOOK_SECONDS_MAX = 3.0  # that one look takes, of a store that answers late
OTHER = "other"
CONSUMED = {READ_UNITS: "read", WRITE_UNITS: "write"}
THROTTLED = {"ReadThrottleEvents": "read", "WriteThrottleEvents": "write"}

log = logging.getLogger(__name__)


class Labels(NamedTuple):
    """Whose a number is. `of_index`: "" for the table with its local indexes; of what is not named all but the way is
    OTHER."""

    account: str
    region: str
    table: str
    of_index: str
    way: str


class Totals(NamedTuple):
    """Units that requests consumed, and throttle events."""

    consumed: dict[Labels, float]
    throttled: dict[Labels, float]


class TableTotals:
    """Adds up the minutes since `since` (seconds since the epoch)."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._closed = ledger.minutes.start(clock.now())  # minutes before it are in `_before`
        self._named: set[Subject] = set()
        self._before = Totals({}, {})
        self._shown = self._before
        self._looked_at = 0.0

    async def look(self) -> Totals:
        """What there is now; what was found last where the store does not answer in time."""
        now = self._clock.now()
        if now - self._looked_at >= LOOK_SECONDS:
            try:
                async with asyncio.timeout(LOOK_SECONDS_MAX):
                    self._shown = await self._read(now)
                self._looked_at = now
            except Exception:
                log.warning("what tables use could not be read", exc_info=True)
        return self._shown

    async def _read(self, now: float) -> Totals:
        minutes = self._ledger.minutes
        closed = max(minutes.start(now - 2 * minutes.seconds), self._closed)  # nobody writes to those before any more
        before = Totals(dict(self._before.consumed), dict(self._before.throttled))
        since = Totals({}, {})
        count = 0
        async for account, region in self._ledger.scopes():
            async for record in self._ledger.subjects(account, region, f"{TABLE}/"):
                count += 1
                if count > SUBJECTS_MAX:
                    break
                if record.deleted_at is not None and record.deleted_at < self._closed - minutes.seconds:
                    continue
                subject = record.subject
                self._add(before, subject, await self._ledger.total(subject, self._closed, closed))
                self._add(since, subject, await self._ledger.total(subject, closed))
                await asyncio.sleep(0)
        self._before, self._closed = before, closed
        return Totals(_sum(before.consumed, since.consumed), _sum(before.throttled, since.throttled))

    def _add(self, totals: Totals, subject: Subject, figures: Figures) -> None:
        for series, statistic in figures.items():
            way, to = CONSUMED.get(series.metric), totals.consumed
            if way is None:
                way, to = THROTTLED.get(series.metric), totals.throttled
            if way is None or series.kind in FREE:
                continue
            labels = self._labels(subject, "" if series.local else series.index, way)
            to[labels] = to.get(labels, 0.0) + statistic.sum

    def _labels(self, subject: Subject, index: str, way: str) -> Labels:
        if subject not in self._named:
            if len(self._named) >= TABLES_MAX:
                return Labels(OTHER, OTHER, OTHER, OTHER, way)
            self._named.add(subject)
        return Labels(subject.account, subject.region, subject.name, index, way)


def _sum(one: dict[Labels, float], other: dict[Labels, float]) -> dict[Labels, float]:
    found = dict(one)
    for labels, value in other.items():
        found[labels] = found.get(labels, 0.0) + value
    return found
