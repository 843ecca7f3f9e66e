"""What a look at a store comes to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from hashlib import blake2b
from typing import NamedTuple

from statordb.model.values import Item

FINDINGS_MAX = 100  # of one table; where there are so many, the rest of it is not looked at


class Fault(Enum):
    """What is wrong."""

    DAMAGED = "a row can't be opened: it is torn, was changed or moved, or is another store's"
    ENTRY = "an index is not what the item says: one of the two is older, or was taken out"
    LOG = "an item is not what the newest record of its changes says: it is older, or was taken out"
    TOTALS = "there are other rows, or other sizes, than were counted when they were written"


class Finding(NamedTuple):
    """One fault. `of`: account, region and table, or the space of the store's own; `within`: the index that it is in;
    `place`: hexadecimal digits that tell one row from another, "" where it is of no single row; `key`: of the item,
    where that can be known."""

    fault: Fault
    of: str
    within: str | None = None
    place: str = ""
    key: Item | None = None
    detail: str = ""


class Enough(Exception):
    """A table has so many faults that the rest of it need not be looked at."""


@dataclass(slots=True)
class Summary:
    """How much was looked at. `left_out`: tables that could not be, with the reason. `uncounted`: spaces that were
    written to all the time, so that nothing can be said of their totals."""

    rows: int = 0
    entries: int = 0
    changes: int = 0
    findings: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)
    uncounted: int = 0


class Report:
    """Takes findings of one table, and hands them on."""

    def __init__(self, of: str, summary: Summary, tell: Callable[[Finding], None]) -> None:
        self.of = of
        self.summary = summary
        self._tell = tell
        self._told = 0
        self._places: set[tuple[Fault, str | None, str]] = set()

    def add(
        self, fault: Fault, index: str | None = None, place: str = "", key: Item | None = None, detail: str = ""
    ) -> None:
        """Raises Enough. The same fault of the same row is told once."""
        if (fault, index, place) in self._places:
            return
        self._places.add((fault, index, place))
        self._tell(Finding(fault, self.of, index, place, key, detail))
        self.summary.findings += 1
        self._told += 1
        if self._told >= FINDINGS_MAX:
            raise Enough


def place_of(partition: bytes, sort: bytes) -> str:
    """What tells a row from others of its space, and nothing of its key."""
    return blake2b(len(partition).to_bytes(2, "big") + partition + sort, digest_size=8).hexdigest()
