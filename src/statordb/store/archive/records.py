"""What the store keeps of the archive: plain data. What it tells of lies elsewhere, as objects."""

from dataclasses import dataclass
from typing import Any

import orjson

from statordb.store import records
from statordb.store.record import Kind, Record
from statordb.store.records import TableRecord

LIVE, OVER = "LIVE", "OVER"


@dataclass(frozen=True, slots=True)
class TrackRecord(Record):
    """What the archive has of one table, from when its changes are kept until that ends. `id`: of no other track.

    table      the table's record, as its row had it when it was looked at last.
    log        the space of the log that is read.
    began_at   the first moment that can be had; as long as `begin` is None, likely. `joined_at`: when every process
               wrote for it. In seconds since the epoch.
    phase      LIVE, or OVER: its objects are to go.
    begin      no moment before this sequence can be had; None: that is not known yet.
    upto       all changes up to this sequence lie in segments.
    through    all that was acknowledged until then is at or below `upto`; `until`: nothing there was begun later. In
               seconds since the epoch.
    first      the number of the first segment that is still there; `next`: that of the next one.
    digest     SHA-256 of the last segment's content, as hexadecimal digits; "" before there is one.
    bases      how many bases were begun.
    logged     bytes that segments had since the last base was begun.
    charged_at  up to when the ledger has what it takes, in seconds since the epoch.
    """

    account: str
    region: str
    id: str
    table: dict[str, Any]
    space: int
    log: int
    began_at: float
    joined_at: float = 0.0
    phase: str = LIVE
    begin: int | None = None
    upto: int = 0
    through: float = 0.0
    until: float = 0.0
    first: int = 0
    next: int = 0
    digest: str = ""
    bases: int = 0
    logged: int = 0
    charged_at: float = 0.0

    @property
    def source(self) -> TableRecord:
        """The table as it was when it was looked at last."""
        return records.load(orjson.dumps(self.table))

    @property
    def name(self) -> tuple[str, str, str]:
        """Account, region and name of its table."""
        return self.account, self.region, self.table["name"]

    @property
    def reader(self) -> str:
        """Its name among the readers of the log."""
        return reader_of(self.id)


@dataclass(frozen=True, slots=True)
class SegmentRecord(Record):
    """One object of changes: all of the table behind the sequence `after`, up to `upto`.

    name, digest  of the object: the end of its name, and SHA-256 of its content as hexadecimal digits.
    size, entries  bytes before they were packed; how many changes, 0 where that is not known.
    since, through  all that was acknowledged until `since` is at or below `after`; until `through`, at or below `upto`.
    until      nothing at or below `upto` was begun later. These three in seconds since the epoch.
    """

    number: int
    name: str
    digest: str
    size: int
    after: int
    upto: int
    since: float
    through: float
    until: float
    entries: int = 0


@dataclass(frozen=True, slots=True)
class BaseRecord(Record):
    """The rows of the table as a scan found them. All changes up to the sequence `after` are in them, and none behind
    `upto`, which is 0 until that is known.

    segment    the first segment that has changes behind `after`.
    at         all that was acknowledged until then is at or below `after`.
    scanned_at  when the scan had come to its end, in seconds since the epoch; 0: it has not.
    size, rows  of its parts together: bytes before they were packed.
    """

    number: int
    after: int
    segment: int
    at: float
    scanned_at: float = 0.0
    upto: int = 0
    size: int = 0
    rows: int = 0

    @property
    def is_done(self) -> bool:
        return self.upto > 0


TRACK = Kind(TrackRecord)
SEGMENT = Kind(SegmentRecord)
BASE = Kind(BaseRecord)


def reader_of(id: str) -> str:
    """The name of a track among the readers of its table's log."""
    return f"{records.ARCHIVE}{id}"
