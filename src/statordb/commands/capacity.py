"""Consumed capacity, by DynamoDB's rounding.

Reads: one unit for each 4 KB begun, half of it if eventually consistent, twice in a transaction; writes: one for each
1 KB begun, twice in a transaction; at least one of 4 or 1 KB. Source: developer guide, "DynamoDB read and write
operations".
"""

from collections.abc import Mapping
from typing import Any

from statordb.model.limits import READ_UNIT_BYTES
from statordb.store.indexes.secondary import write_units
from statordb.store.table import Table, Written

TRANSACTION_FACTOR = 2


def read_units(size: int, consistent: bool) -> float:
    """Units to read `size` bytes, of one item or of one page."""
    units = max(1, -(-size // READ_UNIT_BYTES))
    return float(units) if consistent else units * 0.5


def written_units(written: Written) -> int:
    """Write units of the table itself: by the larger of the item before and after."""
    old = written.old.size if written.old else 0
    new = written.new.size if written.new else 0
    return write_units(max(old, new))


class Meter:
    """Adds up what one request consumed of one table."""

    __slots__ = ("indexes", "name", "table", "units")

    def __init__(self, table: Table, name: str) -> None:
        """`name`: the table's name or ARN, as the request has it."""
        self.table = table
        self.name = name
        self.units = 0.0
        self.indexes: dict[str, float] = {}

    def add(self, units: float, index_units: Mapping[str, float] | None = None, factor: int = 1) -> None:
        """Units of the table, and by index name. `factor` is the table's: entries of indexes cost the same in
        transactions."""
        self.units += units * factor
        if index_units:
            for name, used in index_units.items():
                self.indexes[name] = self.indexes.get(name, 0.0) + used

    def add_write(self, written: Written, factor: int = 1) -> None:
        self.add(written_units(written), written.index_units, factor)

    def report(self, detail: str, transactional: str | None = None) -> dict[str, Any]:
        """The ConsumedCapacity member. `detail`: TOTAL or INDEXES; `transactional`: "Read" or "Write" adds the split
        that DynamoDB gives for transactions."""
        total = self.units + sum(self.indexes.values())
        report: dict[str, Any] = {"TableName": self.name, **_units(total, transactional)}
        if detail == "INDEXES":
            report["Table"] = _units(self.units, transactional)
            for member, local in (("LocalSecondaryIndexes", True), ("GlobalSecondaryIndexes", False)):
                used = {
                    index.name: _units(self.indexes[index.name], transactional)
                    for index in self.table.indexes
                    if index.local is local and index.name in self.indexes
                }
                if used:
                    report[member] = used
        return report


def _units(units: float, transactional: str | None) -> dict[str, float]:
    if transactional is None:
        return {"CapacityUnits": units}
    return {"CapacityUnits": units, transactional + "CapacityUnits": units}
