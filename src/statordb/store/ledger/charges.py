"""What the figures of a table, and the capacity and the sizes that it had, come to on a bill."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from statordb.metering.series import BILLED, BYTES_OUT, CHANGE_UNITS, STREAM_READS, Figures
from statordb.metering.usage import GIGABYTE, Step, byte_seconds, gigabyte_months, prefix_of, unit_hours
from statordb.store.ledger.records import CapacityRecord

Quantities = dict[str, Decimal]
"""By usage type."""

_SUMMED = {STREAM_READS: "Streams-Requests", CHANGE_UNITS: "ChangeDataCaptureUnits-Kinesis"}
_OF_BYTES = "-Bytes"  # usage types that end so are billed by the gigabyte


def of_figures(figures: Figures) -> Quantities:
    """What was counted."""
    found: Quantities = {}
    for series, statistic in figures.items():
        total = Decimal(statistic.sum)
        if series.metric == BILLED:
            add(found, series.kind, total / GIGABYTE if series.kind.endswith(_OF_BYTES) else total)
        elif series.metric == BYTES_OUT:
            add(found, "DataTransfer-Out-Bytes", total / GIGABYTE)
        elif series.metric in _SUMMED:
            add(found, _SUMMED[series.metric], total)
    return found


def of_capacity(records: Sequence[CapacityRecord], since: int, until: float) -> Quantities:
    """Hours of provisioned units between two times, of the table and each of its global indexes."""
    found: Quantities = {}
    names = {"", *(name for record in records for name in record.indexes)}
    for prefix in {prefix_of(record.table_class) for record in records}:
        for name in names:
            for at, usage_type in enumerate(("ReadCapacityUnit-Hrs", "WriteCapacityUnit-Hrs")):
                steps = [Step(record.at, _units(record, name, prefix, at)) for record in records]
                add(found, prefix + usage_type, Decimal(unit_hours(steps, since, until)))
    return found


def of_sizes(
    sizes: Sequence[Step], records: Sequence[CapacityRecord], since: int, until: float, hours: int
) -> Quantities:
    """Storage between two times in a month that has so many hours, each stretch by the class that the table was of."""
    found: Quantities = {}
    for record, ends in _stretches(records, until):
        begins = max(record.at, since)
        if not record.deleted and begins < ends:
            held = byte_seconds(sizes, begins, ends)
            add(found, prefix_of(record.table_class) + "TimedStorage-ByteHrs", gigabyte_months(held, hours))
    return found


def add(to: Quantities, usage_type: str, quantity: Decimal) -> None:
    to[usage_type] = to.get(usage_type, Decimal(0)) + quantity


def _units(record: CapacityRecord, name: str, prefix: str, at: int) -> int:
    """What it provisions of the table, or an index, while it is of the class of a prefix."""
    if record.deleted or prefix_of(record.table_class) != prefix:
        return 0
    units = record.indexes.get(name) if name else record.capacity
    return 0 if units is None else units[at]


def _stretches(records: Sequence[CapacityRecord], until: float) -> Iterator[tuple[CapacityRecord, float]]:
    """Each record with the time up to which it holds, none later than `until`."""
    for number, record in enumerate(records, 1):
        yield record, min(records[number].at, until) if number < len(records) else until
