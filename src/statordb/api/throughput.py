"""WarmThroughput and OnDemandThroughput of tables and global indexes: their checks, and what updates make of them.

Neither has an effect. The rules and texts were measured on AWS (aws-controllers-k8s, API quirks of October 2026).
"""

from collections.abc import Mapping
from typing import Any

from statordb.model.errors import invalid_parameters

PAY_PER_REQUEST = "PAY_PER_REQUEST"
WARM = {"ReadUnitsPerSecond": "ReadCapacityUnits", "WriteUnitsPerSecond": "WriteCapacityUnits"}
ON_DEMAND = ("MaxReadRequestUnits", "MaxWriteRequestUnits")
INITIAL = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}  # of what is on demand
UNLIMITED = -1
DAY_SECONDS = 24 * 3600
_PAGE = (
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html"
    "#on-demand-capacity-mode-initial"
)

Units = Mapping[str, Any]


def warm(billing_mode: str, throughput: Units | None, kept: Units | None) -> dict[str, int]:
    """The warm throughput of a table or an index: the highest figures that it has had so far.

    `kept`: those of before; it may lack members.
    """
    figures = {}
    for member, provisioned in WARM.items():
        now = INITIAL[member] if billing_mode == PAY_PER_REQUEST else (throughput or {}).get(provisioned, 0)
        figures[member] = max(now, (kept or {}).get(member, 0))
    return figures


def decreases(units: Units | None, now: float) -> int:
    """How often provisioned figures were lowered today: days begin at midnight UTC."""
    last = (units or {}).get("LastDecreaseDateTime")
    if last is None or last // DAY_SECONDS != now // DAY_SECONDS:
        return 0
    return int((units or {}).get("NumberOfDecreasesToday", 0))


def check_new_warm(wanted: Units | None, billing_mode: str, throughput: Units | None, what: str = "table") -> None:
    """WarmThroughput of a table that is created, or of its index: not below what it has anyway. `what`: "table", or
    "index" and its name."""
    initial = warm(billing_mode, throughput, None)
    for member, figure in (wanted or {}).items():
        if figure < initial[member]:
            if billing_mode == PAY_PER_REQUEST:
                bound = f"initial throughput for OnDemand. See: {_PAGE}"
            else:
                bound = f"{WARM[member]} of ProvisionedThroughput"
            raise invalid_parameters(f"Requested {member} for WarmThroughput for {what} is lower than {bound}")


def raised(current: Mapping[str, int], wanted: Units, what: str = "table") -> dict[str, int]:
    """The warm throughput with some figures raised."""
    for member in WARM:
        if member in wanted and wanted[member] < current[member]:
            raise invalid_parameters(
                f"Requested {member} for WarmThroughput for {what} is lower than current WarmThroughput, decreasing "
                "WarmThroughput is not supported"
            )
    return {**current, **wanted}


def check_on_demand(wanted: Units | None, billing_mode: str, may_clear: bool, index: str | None = None) -> None:
    """OnDemandThroughput against the billing mode and its range. `may_clear`: -1 takes a maximum away."""
    where = "" if index is None else f" for index : {index}"
    for member in ON_DEMAND:
        if member not in (wanted or {}):
            continue
        if billing_mode != PAY_PER_REQUEST:
            raise invalid_parameters(
                f"{member} for OnDemandThroughput{where} cannot be specified when the table BillingMode is PROVISIONED"
            )
        figure = wanted[member]  # type: ignore[index]  # it is there
        if figure < 1 and not (may_clear and figure == UNLIMITED):
            raise invalid_parameters(
                f"Requested {member} for OnDemandThroughput{where or ' for table'} is outside of valid range"
            )


def merged(current: Units | None, wanted: Units) -> dict[str, int]:
    """The maxima after an update; empty where none is left."""
    return {member: figure for member, figure in {**(current or {}), **wanted}.items() if figure != UNLIMITED}
