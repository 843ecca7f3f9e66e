"""Kinesis data stream destinations of a table: their life, as changes of the table's record.

At most one destination of a table is live; those that are disabled or could not be enabled stay listed.
"""

from dataclasses import replace

from statordb.model.limits import KINESIS_DESTINATIONS_KEPT_MAX
from statordb.store.log import LogRecord
from statordb.store.records import DestinationRecord, TableRecord, kinesis_reader

VIEW = "NEW_AND_OLD_IMAGES"
BEFORE = "feed"  # the shard of what was written when destinations had logs of their own

TRANSITIONS = {
    ("DISABLED", "enable"): "ENABLING",
    ("ENABLE_FAILED", "enable"): "ENABLING",
    ("ENABLING", "found"): "ACTIVE",
    ("ENABLING", "failed"): "ENABLE_FAILED",
    ("ACTIVE", "update"): "UPDATING",
    ("UPDATING", "updated"): "ACTIVE",
    ("ACTIVE", "disable"): "DISABLING",
    ("DISABLING", "drained"): "DISABLED",
}
"""(status, event) -> status; every other event is refused. A stream that is no destination yet counts as DISABLED."""

_OVER = frozenset({"DISABLED", "ENABLE_FAILED"})


def find(record: TableRecord, stream_arn: str) -> DestinationRecord | None:
    return next((known for known in record.destinations if known.stream_arn == stream_arn), None)


def live(record: TableRecord) -> DestinationRecord | None:
    """The destination that is neither disabled nor failed."""
    return next((known for known in record.destinations if known.status not in _OVER), None)


def new_reader(log: LogRecord, now: float) -> str:
    """A name that no reader of the log has, or had."""
    known = set(log.views).union(*(shard.readers for shard in log.shards))
    number = int(now * 1000)
    while kinesis_reader(number) in known:
        number += 1
    return kinesis_reader(number)


def enabled(
    record: TableRecord, stream_arn: str, precision: str | None, log: LogRecord, now: float
) -> TableRecord | None:
    """The record with a destination that is being enabled, which is to read the log; None while another is live."""
    if live(record) is not None:
        return None
    status = TRANSITIONS["DISABLED", "enable"]
    enabling = DestinationRecord(stream_arn, status, precision, new_reader(log, now), log.space, now)
    if find(record, stream_arn) is not None:
        return _with(record, enabling)
    return replace(record, destinations=[enabling, *record.destinations][:KINESIS_DESTINATIONS_KEPT_MAX])


def moved(record: TableRecord, stream_arn: str, event: str, now: float, **changes: str | None) -> TableRecord | None:
    """The record after an event of a destination, which may bring `precision` or `description`; None where the event
    is refused. A destination that is over reads no log."""
    current = find(record, stream_arn)
    status = None if current is None else TRANSITIONS.get((current.status, event))
    if current is None or status is None:
        return None
    changed = replace(current, status=status, changed_at=now, **changes)  # type: ignore[arg-type]  # both are text
    if status not in _OVER:
        return _with(record, changed)
    return _with(record, replace(changed, precision=None, reader=None, log=None))


def _with(record: TableRecord, changed: DestinationRecord) -> TableRecord:
    """The record with the destination of that stream replaced."""
    return replace(
        record,
        destinations=[changed if known.stream_arn == changed.stream_arn else known for known in record.destinations],
    )
