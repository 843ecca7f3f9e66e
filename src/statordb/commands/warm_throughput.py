"""Warm throughput: the highest figures that a table or an index has had so far."""

from collections.abc import Mapping
from typing import Any

PAY_PER_REQUEST = "PAY_PER_REQUEST"
WARM = {"ReadUnitsPerSecond": "ReadCapacityUnits", "WriteUnitsPerSecond": "WriteCapacityUnits"}
INITIAL = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}  # of what is on demand

Units = Mapping[str, Any]


def warm_figures(billing_mode: str, throughput: Units | None, kept: Units | None) -> dict[str, int]:
    """The warm throughput, in units a second. `kept`: the figures of before; it may lack members."""
    figures = {}
    for member, provisioned in WARM.items():
        now = INITIAL[member] if billing_mode == PAY_PER_REQUEST else (throughput or {}).get(provisioned, 0)
        figures[member] = max(now, (kept or {}).get(member, 0))
    return figures
