"""What the same requests cost on demand and provisioned, where auto scaling sets the provisioned figures.

The requests of each minute are run through a table, or a global index, that begins with the capacity which the first
minute needs and follows them as AWS's target tracking does: out after 2 minutes above the target, in after 15 minutes
well below it, as often as UpdateTable takes decreases. What was left unused in the last 300 s may be used; what is more
would have been throttled, and is not tried again. Free quantities are left out, since they are the account's, not a
table's, and so is all that costs the same either way. Sources: developer guide, "Managing throughput capacity
automatically with DynamoDB auto scaling", and its pages on burst capacity and quotas.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil

from statordb.metering.month import DAY, HOUR
from statordb.metering.prices import PriceSheet
from statordb.metering.usage import ON_DEMAND

MINUTE = 60
TARGET = 70
"""Per cent of the capacity that is used: what the console of AWS proposes."""
LOW = 50
"""Per cent: below it for long there is too much."""
MINUTES_HIGH = 2
MINUTES_LOW = 15
BURST_SECONDS = 300
UNITS_MIN = 1
UNITS_MAX = 40_000
"""The quota of a table."""
DECREASES_A_DAY = 4
PROVISIONED = "PROVISIONED"

Minutes = Mapping[int, float]
"""Units used, by the second that a minute began at; the others used none."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What requests used of a table in some time.

    prefix  of its usage types
    reads   of the table and of each global index; what is used of local ones is the table's
    """

    account: str
    region: str
    table: str
    mode: str
    prefix: str
    reads: tuple[Minutes, ...]
    writes: tuple[Minutes, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Amounts are None where a price is not known; then nothing is `cheaper`."""

    demand: Demand
    on_demand: Decimal | None
    provisioned: Decimal | None
    throttled_reads: float
    throttled_writes: float

    @property
    def cheaper(self) -> str | None:
        if self.on_demand is None or self.provisioned is None:
            return None
        return ON_DEMAND if self.on_demand <= self.provisioned else PROVISIONED

    @property
    def saved(self) -> Decimal | None:
        """How much less the cheaper one costs."""
        if self.on_demand is None or self.provisioned is None:
            return None
        return abs(self.on_demand - self.provisioned)


@dataclass(slots=True)
class Followed:
    """A capacity that has followed what was used."""

    unit_hours: int = 0
    throttled: float = 0.0


def compare(demand: Demand, sheet: PriceSheet, since: int, until: float) -> Comparison:
    """Both amounts for a table that was there from `since` to `until`."""
    reads = [follow(minutes, since, until) for minutes in demand.reads]
    writes = [follow(minutes, since, until) for minutes in demand.writes]

    def price(usage_type: str) -> Decimal | None:
        return sheet.list_price(demand.region, demand.prefix + usage_type)

    return Comparison(
        demand,
        on_demand=_sum(
            (_used(demand.reads), price("ReadRequestUnits")), (_used(demand.writes), price("WriteRequestUnits"))
        ),
        provisioned=_sum(
            (_hours(reads), price("ReadCapacityUnit-Hrs")), (_hours(writes), price("WriteCapacityUnit-Hrs"))
        ),
        throttled_reads=sum(run.throttled for run in reads),
        throttled_writes=sum(run.throttled for run in writes),
    )


def follow(minutes: Minutes, since: int, until: float) -> Followed:
    """Run what was used through a capacity that auto scaling sets."""
    used_in = sorted(minute for minute in minutes if since - MINUTE < minute < until)
    capacity = _Capacity(_needed(minutes[used_in[0]]) if used_in else UNITS_MIN)
    run, at = Followed(), since - since % MINUTE
    most: dict[int, int] = {}
    upcoming = deque(used_in)
    while at < until:
        hour = at // HOUR
        most[hour] = max(capacity.units, most.get(hour, 0))
        while upcoming and upcoming[0] <= at:
            upcoming.popleft()
        run.throttled += capacity.use(minutes.get(at, 0.0), at)
        at += MINUTE
        if capacity.rests and (not upcoming or upcoming[0] > at):
            rest_ends = min(upcoming[0] if upcoming else ceil(until), ceil(until))
            for hour in range(at // HOUR, -(-rest_ends // HOUR)):
                most[hour] = max(capacity.units, most.get(hour, 0))
            at = max(at, rest_ends)
    run.unit_hours = sum(most.values())
    return run


@dataclass(slots=True)
class _Capacity:
    units: int
    saved: float = 0.0  # units left unused, which may be used in a burst
    high: int = 0  # minutes in a row above the target
    low: deque[float] = field(default_factory=lambda: deque(maxlen=MINUTES_LOW))  # used in minutes in a row below
    day: int = 0
    decreases: int = 0  # of the day
    decreased_at: int = -HOUR

    @property
    def rests(self) -> bool:
        """Whether nothing changes any more as long as nothing is used."""
        return self.units == UNITS_MIN and self.saved == BURST_SECONDS * UNITS_MIN

    def use(self, wanted: float, at: int) -> float:
        """A minute in which so much is wanted; how much of it is throttled."""
        there = self.units * MINUTE
        used = min(wanted, there + self.saved)
        self.saved = min(self.units * BURST_SECONDS, self.saved + there - used)
        self.high = self.high + 1 if used * 100 > TARGET * there else 0
        if used * 100 < LOW * there:
            self.low.append(used)
        else:
            self.low.clear()
        if self.high >= MINUTES_HIGH:
            self._set(_needed(used))
        elif len(self.low) == MINUTES_LOW and self._may_decrease(at):
            units = _needed(max(self.low))
            if units < self.units:
                self.decreases, self.decreased_at = self.decreases + 1, at
                self._set(units)
        return wanted - used

    def _set(self, units: int) -> None:
        self.units = units
        self.saved = min(self.saved, units * BURST_SECONDS)
        self.high = 0
        self.low.clear()

    def _may_decrease(self, at: int) -> bool:
        if at // DAY != self.day:
            self.day, self.decreases = at // DAY, 0
        return self.decreases < DECREASES_A_DAY or at - self.decreased_at >= HOUR


def _needed(used: float) -> int:
    """Units that a minute's use is the target of."""
    return min(max(ceil(used * 100 / (MINUTE * TARGET)), UNITS_MIN), UNITS_MAX)


def _used(resources: tuple[Minutes, ...]) -> Decimal:
    return sum((Decimal(sum(minutes.values())) for minutes in resources), Decimal(0))


def _hours(runs: list[Followed]) -> Decimal:
    return Decimal(sum(run.unit_hours for run in runs))


def _sum(*parts: tuple[Decimal, Decimal | None]) -> Decimal | None:
    """Of quantities and their prices. What nothing was used of needs no price."""
    total = Decimal(0)
    for quantity, price in parts:
        if quantity and price is None:
            return None
        total += quantity * (price or 0)
    return total
