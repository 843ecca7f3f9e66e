"""How many of AWS's partitions a scan goes through: reading any of them costs at least one unit.

A partition gives 3,000 read units and 1,000 write units a second (developer guide, "Best practices for designing and
using partition keys"), so a table has as many as its warm throughput takes: four, where it is on demand. That a scan is
rounded up in each of them is concluded from what ScyllaDB's authors measured: 4 units for a table with one small item.
"""

from typing import Any, NamedTuple

from statordb.commands.warm_throughput import Units, warm_figures
from statordb.model.values import Item
from statordb.store.access import AccessPath
from statordb.store.table import Table

READ_UNITS = 3_000  # a second, of one partition
WRITE_UNITS = 1_000
PARTITIONS_MAX = 40  # a table's default quota is 40,000 units; more are not made up


class Walk(NamedTuple):
    """A page of a scan: of segment `segment` of `total`, behind the key `start`, and up to the key `end`. None: from
    the segment's beginning, to its end."""

    start: Item | None
    end: Item | None
    segment: int = 0
    total: int = 1

    def partitions(self, table: Table, path: AccessPath) -> int:
        """Through how many of the partitions of its table, or global index, it goes."""
        count = _partitions(table, path)
        if count == 1:
            return 1
        first, last = self.segment * count // self.total, -(-(self.segment + 1) * count // self.total) - 1
        if self.start is not None:
            first = table.segment_of(path.position(self.start)[0], count)
        if self.end is not None:
            last = table.segment_of(path.position(self.end)[0], count)
        return last - first + 1


def _partitions(table: Table, path: AccessPath) -> int:
    record = table.record
    throughput: Units | None = record.throughput
    options: dict[str, Any] = record.options
    for index in record.indexes:
        if index.name == path.name and not index.local:
            throughput, options = index.throughput, index.options
    figures = warm_figures(record.billing_mode, throughput, options.get("WarmThroughput"))
    reads = -(-figures["ReadUnitsPerSecond"] // READ_UNITS)
    writes = -(-figures["WriteUnitsPerSecond"] // WRITE_UNITS)
    return min(max(reads, writes, 1), PARTITIONS_MAX)
