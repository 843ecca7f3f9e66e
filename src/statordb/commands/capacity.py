"""Consumed capacity: what requests are told of it, and what their tables' taps count of them, which is the same."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from statordb.commands.full_partitions import last_partition
from statordb.metering.series import EXPIRY, STANDARD
from statordb.metering.throttles import READ_UNITS_MIN, WRITE_UNITS_MIN
from statordb.metering.units import write_units
from statordb.model.limits import READ_UNIT_BYTES, WRITE_UNIT_BYTES
from statordb.store import codec
from statordb.store.image import Image
from statordb.store.table import Table, Written


def written_units(written: Written) -> int:
    """Write units of the table itself: by the larger of the item before and after."""
    old = written.old.size if written.old else 0
    new = written.new.size if written.new else 0
    return write_units(max(old, new))


def count_text(table: Table, text_bytes: int, consistent: bool) -> bool:
    """Count the read of an item, or a page, by its JSON, which is never shorter than what DynamoDB counts; False if it
    is too long for that, and nothing was counted."""
    if text_bytes > READ_UNIT_BYTES:
        return False
    tap = table.tap
    if consistent:
        tap.strong[2] += 1
        if table.throttle is not None:
            table.throttle.read_bucket.left -= 1.0 - READ_UNITS_MIN
    else:
        tap.eventual[1] += 1
    return True


def count_read(table: Table, size: int, consistent: bool) -> None:
    """Count the read of an item, or a page, of `size` bytes; 0 if there was none."""
    units = max(1, -(-size // READ_UNIT_BYTES))
    tap = table.tap
    if consistent:
        tap.strong[2 * units] += 1
    else:
        tap.eventual[units] += 1
    if table.throttle is not None:
        table.throttle.read_bucket.left -= (units if consistent else units * 0.5) - READ_UNITS_MIN


def count_write(table: Table, written: Written, kind: str = STANDARD) -> None:
    """Count a write that was made by itself."""
    old, new, index_units = written
    units = 1
    if new is not None and len(new.body) > WRITE_UNIT_BYTES:  # a body is longer than what DynamoDB counts
        units = write_units(new.size)
    if old is not None and (len(old.body) > WRITE_UNIT_BYTES or len(old.body) == codec.HEADER_BYTES):
        units = max(units, write_units(old.size))
    tap = table.tap
    if kind is STANDARD:
        tap.standard[units] += 1
    else:
        tap.write(units, kind)
    throttle = None if kind is EXPIRY else table.throttle
    if throttle is not None:
        throttle.charge_write(units - WRITE_UNITS_MIN)
    if index_units:
        for name, used in index_units.items():
            tap.index_write(name, used, kind, _is_local(table, name))
            if throttle is not None:
                throttle.charge_index_write(name, used, partial(last_partition, table, name, written))


def count_unmet(table: Table, old: Image | None, sent: int, kind: str = STANDARD) -> None:
    """Count a write whose condition did not hold: see `unmet_units`."""
    units = unmet_units(old, sent)
    table.tap.write(units, kind)
    if table.throttle is not None:
        table.throttle.charge_write(units - WRITE_UNITS_MIN)


def _is_local(table: Table, name: str) -> bool:
    return any(index.local for index in table.indexes if index.name == name)


def unmet_units(old: Image | None, sent: int) -> int:
    """Write units of a condition that did not hold: by the larger of the item as it is, and of what was sent to take
    its place, `sent` bytes."""
    return write_units(max(sent, 0 if old is None else old.size))


def count_writes(done: Iterable[tuple[Table, Written]], kind: str, factor: int = 1) -> None:
    """Count the writes that one request made, of each table as one."""
    meters: dict[int, Meter] = {}
    for table, written in done:
        meters.setdefault(table.space, Meter(table)).add_write(written, factor)
    for meter in meters.values():
        meter.count_writes(kind)


class Meter:
    """Adds up what one request consumed of one table, to be counted and to be told. `parts`: how much of it was
    admitted by itself."""

    __slots__ = ("_last", "indexes", "name", "parts", "table", "units")

    def __init__(self, table: Table, name: str = "") -> None:
        """`name`: the table's name or ARN, as the request has it."""
        self.table = table
        self.name = name
        self.units = 0.0
        self.parts = 0
        self._last: Written | None = None  # of the writes to indexes
        self.indexes: dict[str, float] = {}

    def add(self, units: float, index_units: Mapping[str, float] | None = None, factor: int = 1) -> None:
        """Units of the table, and by index name. `factor` is the table's: entries of indexes cost the same in
        transactions."""
        self.parts += 1
        self.units += units * factor
        if index_units:
            for name, used in index_units.items():
                self.indexes[name] = self.indexes.get(name, 0.0) + used

    def add_write(self, written: Written, factor: int = 1) -> None:
        self.add(written_units(written), written.index_units, factor)
        if written.index_units:
            self._last = written

    def count_reads(self, kind: str) -> None:
        """Have the table's tap count it as one request."""
        tap = self.table.tap
        if self.units:
            tap.read(int(self.units * 2), kind)
        for name, units in self.indexes.items():
            tap.index_read(name, int(units * 2), kind, _is_local(self.table, name))
        throttle = self.table.throttle
        if throttle is not None:
            paid = self.parts * READ_UNITS_MIN
            throttle.charge_read(self.units - (0.0 if self.indexes else paid))
            for name, units in self.indexes.items():  # a page of an index was admitted as that
                throttle.charge_read(units - paid, name)

    def count_writes(self, kind: str) -> None:
        """As `count_reads`."""
        tap = self.table.tap
        if self.units:
            tap.write(int(self.units), kind)
        for name, units in self.indexes.items():
            tap.index_write(name, int(units), kind, _is_local(self.table, name))
        throttle = self.table.throttle
        if throttle is not None:
            throttle.charge_write(self.units - self.parts * WRITE_UNITS_MIN)
            for name, units in self.indexes.items():
                throttle.charge_index_write(name, units, partial(last_partition, self.table, name, self._last))

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
