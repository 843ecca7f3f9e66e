"""What the store keeps of jobs: plain data."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from statordb.store import records
from statordb.store.record import Kind, Record
from statordb.store.records import TableRecord

IN_PROGRESS, COMPLETED, FAILED = "IN_PROGRESS", "COMPLETED", "FAILED"
COMPLETED_WITH_ERRORS, CANCELLING, CANCELLED = "COMPLETED_WITH_ERRORS", "CANCELLING", "CANCELLED"
UNDER_WAY = (IN_PROGRESS, CANCELLING)


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


IMPORT = Kind(ImportRecord)
BULK = Kind(BulkRecord)

J = TypeVar("J", bound=JobRecord)
