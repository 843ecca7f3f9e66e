"""A bill worked out from requests alone: DynamoDB's rules of units, sizes and hours once more, in the plainest form.

Nothing here is the product's: what it comes to is held against what the product bills.
"""

import itertools
import json
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from typing import Any

KIB = 1024
HOUR = 3600

Item = dict[str, dict[str, str]]


def size(item: Item | None) -> int:
    """Of texts and whole numbers."""
    total = 0
    for name, value in (item or {}).items():
        ((kind, text),) = value.items()
        total += len(name) + (len(text) if kind == "S" else (len(text.rstrip("0")) + 1) // 2 + 1)
    return total


def write_units(*items: Item | None) -> int:
    return max(1, ceil(max(map(size, items)) / KIB))


def read_units(total: int, consistent: bool = False) -> Decimal:
    return max(1, ceil(total / (4 * KIB))) * (Decimal(1) if consistent else Decimal("0.5"))


@dataclass
class Table:
    """`keys`: the names of its primary key. `indexes`: name -> the attribute of its own key, which items may lack; all
    of them project keys only. `local`: those of them that are local ones."""

    keys: tuple[str, ...]
    indexes: dict[str, str] = field(default_factory=dict)
    mode: str = "PAY_PER_REQUEST"
    prefix: str = ""
    items: dict[tuple[str, ...], Item] = field(default_factory=dict)
    capacity: dict[str, tuple[int, int]] = field(default_factory=dict)
    local: frozenset[str] = frozenset()

    def key(self, item: Item) -> tuple[str, ...]:
        return tuple(item[name]["S"] for name in self.keys)

    def entry(self, item: Item | None, index: str) -> Item | None:
        if item is None or self.indexes[index] not in item:
            return None
        names = {*self.keys, self.indexes[index]}
        return {name: value for name, value in item.items() if name in names}

    def stored(self) -> int:
        """Bytes, with 100 for each item and each entry."""
        rows = list(self.items.values())
        rows += [entry for item in self.items.values() for name in self.indexes if (entry := self.entry(item, name))]
        return sum(size(row) + 100 for row in rows)


class Books:
    """What was used, by table and usage type, in the order of time. `now`: seconds since the month began."""

    def __init__(self, hours: int) -> None:
        self.hours = hours
        self.tables: dict[str, Table] = {}
        self.used: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.consumed = Decimal(0)  # of all requests, in whichever mode
        self._backups: list[tuple[str, int]] = []  # table, bytes
        self._hours: dict[tuple[str, str, str, int, int], int] = {}  # most of a capacity in an hour
        self._byte_seconds: dict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def create(self, name: str, table: Table, now: float) -> None:
        self.tables[name] = table
        self.hold(name, now)

    def hold(self, name: str, now: float) -> None:
        """A table's capacity is what it is in this moment."""
        table = self.tables[name]
        for resource, units in table.capacity.items():
            for at in (0, 1):
                key = (name, table.prefix, resource, at, int(now // HOUR))
                self._hours[key] = max(units[at], self._hours.get(key, 0))

    def store(self, name: str, stored: int, seconds: float) -> None:
        self._byte_seconds[name, self.tables[name].prefix] += Decimal(stored) * Decimal(seconds)

    def request(self, name: str, kind: str, units: Decimal | int) -> None:
        """`kind`: Read or Write."""
        table = self.tables[name]
        self.consumed += units
        if table.mode == "PAY_PER_REQUEST":
            self.used[name, f"{table.prefix}{kind}RequestUnits"] += units

    def write(self, name: str, key: dict[str, Any], new: Item | None, factor: int = 1) -> None:
        """An item becomes another one, or none."""
        table = self.tables[name]
        old = table.items.get(table.key(key))
        units = write_units(old, new) * factor
        for index in table.indexes:
            was, becomes = table.entry(old, index), table.entry(new, index)
            if was != becomes:
                units += sum(write_units(entry) for entry in (was, becomes) if entry is not None)
        self.request(name, "Write", units)
        if new is None:
            table.items.pop(table.key(key), None)
        else:
            table.items[table.key(key)] = new

    def read(self, name: str, *items: Item | None, consistent: bool = False, factor: int = 1) -> None:
        """Items are read in one page."""
        self.request(name, "Read", read_units(sum(map(size, items)), consistent) * factor)

    def back_up(self, name: str) -> None:
        """A backup of a table is made, and kept from now on."""
        self._backups.append((name, sum(map(size, self.tables[name].items.values()))))

    def keep_backups(self, seconds: int) -> None:
        """They have been kept for so long."""
        for name, held in self._backups:
            self.used[name, "TimedBackupStorage-ByteHrs"] += Decimal(held) * seconds / HOUR / self.hours / 2**30

    def restore(self, name: str) -> None:
        """A table was made of a backup."""
        restored = sum(map(size, self.tables[name].items.values()))
        self.used[name, "RestoreDataSize-Bytes"] += Decimal(restored) / 2**30

    def quantities(self) -> dict[tuple[str, str], Decimal]:
        found = dict(self.used)
        for (name, prefix, _, at, _), units in self._hours.items():
            key = (name, f"{prefix}{('Read', 'Write')[at]}CapacityUnit-Hrs")
            found[key] = found.get(key, Decimal(0)) + units
        for (name, prefix), held in self._byte_seconds.items():
            found[name, f"{prefix}TimedStorage-ByteHrs"] = held / HOUR / self.hours / 2**30
        return {key: quantity for key, quantity in found.items() if quantity}

    def total(self, sheet: bytes, region: str) -> Decimal:
        """In cents, of one account in one region."""
        prices = json.loads(sheet, parse_float=Decimal)["regions"][region]["prices"]
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for (_, usage_type), quantity in self.quantities().items():
            sums[usage_type] += quantity
        total = Decimal(0)
        for usage_type, quantity in sums.items():
            tiers = [*prices[usage_type], [Decimal("Infinity"), 0]]
            for (begins, price), (ends, _) in itertools.pairwise(tiers):
                total += max(Decimal(0), min(quantity, ends) - begins) * price
        return total
