"""What is billed: quantities of usage types in a month, of a table.

Requests are counted as they were answered. Of capacity an hour counts as a whole, with the most that it had in any part
of it; of storage each moment counts, since AWS prices the mean over a month. Source: DynamoDB's price page, and the
developer guide, "Understanding your AWS billing and usage reports in DynamoDB".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from statordb.metering.month import HOUR

GIGABYTE = 2**30
ITEM_OVERHEAD_BYTES = 100
"""What storage costs an item beside its bytes, in the table and in each index."""
INFREQUENT = "IA-"
"""Before usage types of tables of the infrequent class."""
INFREQUENT_CLASS = "STANDARD_INFREQUENT_ACCESS"
ON_DEMAND = "PAY_PER_REQUEST"


def prefix_of(table_class: str | None) -> str:
    """What is before the usage types of tables of a class; None: of the one that tables have by default."""
    return INFREQUENT if table_class == INFREQUENT_CLASS else ""


@dataclass(frozen=True, slots=True)
class Usage:
    """A quantity of a usage type, in the unit of the price sheet. `table` is empty where it is of the account."""

    account: str
    region: str
    table: str
    usage_type: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Step:
    """A value that holds from a time on, in seconds, until another does."""

    at: float
    value: int


def unit_hours(steps: Iterable[Step], since: int, until: float) -> int:
    """Hours times units of a capacity from `since`, an hour's begin, to `until`: each hour that it was there in, with
    the most it had. Steps are in the order of their times."""
    most: dict[int, int] = {}
    for value, begins, ends in _stretches(steps, since, until):
        for hour in range(int(begins // HOUR), int(-(-ends // HOUR))):
            most[hour] = max(value, most.get(hour, 0))
    return sum(most.values())


def byte_seconds(steps: Iterable[Step], since: float, until: float) -> Decimal:
    """Bytes times seconds of a size in that time."""
    total = Decimal(0)
    for value, begins, ends in _stretches(steps, since, until):
        total += value * (Decimal(ends) - Decimal(begins))
    return total


def gigabyte_months(byte_seconds: Decimal, hours: int) -> Decimal:
    """Of a month that has so many hours."""
    return byte_seconds / (HOUR * hours) / GIGABYTE


def _stretches(steps: Iterable[Step], since: float, until: float) -> Iterable[tuple[int, float, float]]:
    """Each value with where it begins and ends between the two times; those of no length, and of nothing, left out."""
    value, begins = 0, since
    for step in steps:
        ends = min(max(step.at, since), until)
        if value and ends > begins:
            yield value, begins, ends
        value, begins = step.value, max(ends, begins)
    if value and until > begins:
        yield value, begins, until
