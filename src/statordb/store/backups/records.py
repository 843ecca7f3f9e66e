"""What the store keeps of backups: plain data. The rows of their items lie elsewhere, as objects."""

from dataclasses import dataclass
from typing import Any

import orjson

from statordb.model.arns import backup_arn
from statordb.store import records
from statordb.store.record import Kind, Record
from statordb.store.records import TableRecord

USER, SYSTEM = "USER", "SYSTEM"
NEW, SCANNING, LEAVING, DONE = "NEW", "SCANNING", "LEAVING", "DONE"
BASE, LOG = "base", "log"  # kinds of parts: rows as a scan found them, and entries of the log beside it


@dataclass(frozen=True, slots=True)
class BackupRecord(Record):
    """A backup of a table as it was at one moment. `id`: the end of its ARN, by which backups are in order of time.

    kind       USER or SYSTEM.
    size, items  of the table when the backup was asked for: bytes by DynamoDB's rules.
    table      the table's record then, as its row had it.
    phase      how far it has come: NEW; SCANNING, as a reader of the table's log; LEAVING the log; DONE.
    log        the space of that log; None: nobody could write any more, so there is nothing to be read beside the rows.
    charged_at up to when the ledger has what it takes, in seconds since the epoch; never: since it was made.
    cut        the sequence of the log that is its moment: what has a higher one is not part of it.
    kept_until when it is deleted by itself, in seconds since the epoch; None: by nobody but its owner.
    """

    account: str
    region: str
    id: str
    name: str
    kind: str
    created_at: float
    expires_at: float | None
    size: int
    items: int
    table: dict[str, Any]
    phase: str = NEW
    log: int | None = None
    cut: int = 0
    charged_at: float = 0.0
    kept_until: float | None = None

    @property
    def source(self) -> TableRecord:
        """The table as it was."""
        return records.load(orjson.dumps(self.table))

    @property
    def arn(self) -> str:
        return backup_arn(self.account, self.region, self.table["name"], self.id)

    @property
    def status(self) -> str:
        return "AVAILABLE" if self.phase == DONE else "CREATING"

    def is_over(self, now: float) -> bool:
        return self.expires_at is not None and now >= self.expires_at

    @property
    def reader(self) -> str:
        """Its name among the readers of the log."""
        return f"{records.BACKUP}{self.id}"


@dataclass(frozen=True, slots=True)
class PartRecord(Record):
    """One object of a backup. `digest`: SHA-256 of its content, as hexadecimal digits; `size`: bytes before they were
    packed. `after`: of rows, behind which partition and sort bytes (as such digits) the scan goes on; None where it was
    at its end, and of entries. `tail`: what no other try to keep it had in its name, "" where that does not matter."""

    kind: str
    number: int
    digest: str
    size: int
    entries: int
    after: list[str] | None = None
    tail: str = ""

    @property
    def name(self) -> str:
        """Of the object, in the folder of its backup or base."""
        name = f"{self.kind}-{self.number:06d}"
        return f"{name}-{self.tail}" if self.tail else name


BACKUP = Kind(BackupRecord)
PART = Kind(PartRecord)


def table_members(record: TableRecord) -> dict[str, Any]:
    """A table's record as a backup keeps it."""
    members: dict[str, Any] = orjson.loads(records.dump(record))
    return members
