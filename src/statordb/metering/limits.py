"""What a table and its indexes may be asked for, as its record says.

Sources: developer guide, "Quotas in Amazon DynamoDB" and "Burst capacity"; throttling reasons: API reference,
ThrottlingReason. A maximum or a quota of what is on demand has a second of burst, provisioned units have 300.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from statordb.model.limits import TABLE_READ_CAPACITY_MAX, TABLE_WRITE_CAPACITY_MAX

BURST_SECONDS = 300.0  # of provisioned units that were not used
ON_DEMAND_BURST_SECONDS = 1.0
PARTITION_READ_UNITS_MAX = 3000.0  # a second, of one partition key
PARTITION_WRITE_UNITS_MAX = 1000.0
READ, WRITE = "Read", "Write"

Units = Mapping[str, Any]


class Cause(StrEnum):
    """Why a request is refused: what AWS's reasons, and its metrics of throttle events, end with and are made of."""

    PROVISIONED = "ProvisionedThroughput"
    PARTITION = "KeyRangeThroughput"
    MAXIMUM = "MaxOnDemandThroughput"
    ACCOUNT = "AccountLimit"


class Limit(NamedTuple):
    """Units a second, and how many may be saved up. A quota (ACCOUNT) is one for a table and its indexes together."""

    cause: Cause
    rate: float
    capacity: float


class IndexFacts(NamedTuple):
    """What is to be known of a global index; or, with the name "", of the table itself."""

    name: str
    throughput: Units | None
    maxima: Units | None


class Bounds(NamedTuple):
    """What bounds a table ("") or one of its global indexes."""

    name: str
    reads: Limit
    writes: Limit


def bounds_of(is_on_demand: bool, facts: Iterable[IndexFacts]) -> list[Bounds]:
    """Those of each of them."""
    return [
        Bounds(
            each.name,
            _limit(is_on_demand, each, READ, TABLE_READ_CAPACITY_MAX),
            _limit(is_on_demand, each, WRITE, TABLE_WRITE_CAPACITY_MAX),
        )
        for each in facts
    ]


def _limit(is_on_demand: bool, facts: IndexFacts, way: str, quota: int) -> Limit:
    if is_on_demand:
        cause, burst, rate = Cause.MAXIMUM, ON_DEMAND_BURST_SECONDS, (facts.maxima or {}).get(f"Max{way}RequestUnits")
    else:
        cause, burst, rate = Cause.PROVISIONED, BURST_SECONDS, (facts.throughput or {}).get(f"{way}CapacityUnits")
    if rate:
        return Limit(cause, float(rate), rate * burst)
    return Limit(Cause.ACCOUNT, float(quota), quota * ON_DEMAND_BURST_SECONDS)
