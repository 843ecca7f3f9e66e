"""What the store keeps of jobs: plain data."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from statordb.exchange.layout import Layout
from statordb.store import records
from statordb.store.record import Kind, Record
from statordb.store.records import TableRecord

IN_PROGRESS, COMPLETED, FAILED = "IN_PROGRESS", "COMPLETED", "FAILED"
COMPLETED_WITH_ERRORS, CANCELLING, CANCELLED = "COMPLETED_WITH_ERRORS", "CANCELLING", "CANCELLED"
UNDER_WAY = (IN_PROGRESS, CANCELLING)
NEW_AND_OLD_IMAGES = "NEW_AND_OLD_IMAGES"


@dataclass(frozen=True, slots=True)
class JobRecord(Record):
    """A job of an account in a region. `id`: the end of its ARN, by which jobs are in order of time. `table`: its
    name.

    token    of the client, "" for none;  asked: the request, as it is to be shown.
    run      how often it was begun: who goes on with it takes the next number, and whoever had a lower one stops.
    failure  code and message of what made it fail.
    """

    account: str
    region: str
    id: str
    table: str
    table_id: str
    started_at: float
    token: str
    asked: dict[str, Any]
    status: str = IN_PROGRESS
    ended_at: float | None = None
    failure: list[str] | None = None
    run: int = 0

    @property
    def is_under_way(self) -> bool:
        return self.status in UNDER_WAY

    @property
    def table_arn(self) -> str:
        return f"arn:aws:dynamodb:{self.region}:{self.account}:table/{self.table}"


@dataclass(frozen=True, slots=True)
class ImportRecord(JobRecord):
    """An import into a table that it makes. `made`: the record of that table, but for its spaces.

    processed, errors  items so far, those of `errors` among them;  size: bytes of the objects so far, as they are read.
    loaded  all is there: the table has only to be opened.
    """

    made: dict[str, Any] = field(default_factory=dict)
    processed: int = 0
    errors: int = 0
    size: int = 0
    loaded: bool = False

    @property
    def arn(self) -> str:
        return f"{self.table_arn}/import/{self.id}"

    @property
    def new_table(self) -> TableRecord:
        return records.load(orjson.dumps(self.made))


@dataclass(frozen=True, slots=True)
class BulkRecord(JobRecord):
    """A bulk operation on a table. `local`: the names of its local indexes.

    processed, failed  items so far, those of `failed` among them;  total, taken: bytes of the objects, and of those
                       that were read.
    at     the object, how many items of it are done, and how many of its bytes that took: where it goes on.
    usage  bytes that were put, by index, "" the table itself.
    parts  of what is reported (`keeper/bulk_reports.py`).
    """

    local: list[str] = field(default_factory=list)
    processed: int = 0
    failed: int = 0
    taken: int = 0
    total: int | None = None
    at: list[Any] | None = None
    usage: dict[str, int] = field(default_factory=dict)
    parts: list[list[Any]] = field(default_factory=list)

    @property
    def arn(self) -> str:
        return f"{self.table_arn}/bulk-operation/{self.id}"


@dataclass(frozen=True, slots=True)
class ExportRecord(JobRecord):
    """An export of a table's items at a moment, or of what came of them between two.

    track       of the table, out of which it is made: that is kept as long as the export is under way.
    since       the begin of the window of an incremental export, which is in it; None: of a full one.
    until       the moment of a full export, or the end of the window, which is not in it. In seconds since the epoch.
    begun       runs whose data files may be there, each with how many it began.
    items, size  what it came to: items, or changed ones; bytes that are billed.
    """

    track: str = ""
    since: float | None = None
    until: float = 0.0
    begun: list[list[int]] = field(default_factory=list)
    items: int = 0
    size: int = 0

    @property
    def arn(self) -> str:
        return f"{self.table_arn}/export/{self.id}"

    @property
    def is_incremental(self) -> bool:
        return self.since is not None

    @property
    def export_format(self) -> str:
        return str(self.asked.get("ExportFormat") or "DYNAMODB_JSON")

    @property
    def layout(self) -> Layout:
        """Where its files lie."""
        return Layout(self.asked.get("S3Prefix"), self.id, self.export_format, self.is_incremental)

    @property
    def sse_algorithm(self) -> str:
        """AES256 or KMS."""
        return str(self.asked.get("S3SseAlgorithm") or "AES256")

    @property
    def view(self) -> str:
        """Which images an incremental export has."""
        window = self.asked.get("IncrementalExportSpecification") or {}
        return str(window.get("ExportViewType") or NEW_AND_OLD_IMAGES)


IMPORT = Kind(ImportRecord)
BULK = Kind(BulkRecord)
EXPORT = Kind(ExportRecord)

J = TypeVar("J", bound=JobRecord)
