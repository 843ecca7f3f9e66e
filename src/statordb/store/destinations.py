"""Kinesis data stream destinations of a table: their life, as changes of the table's record.

At most one destination of a table is live; those that are disabled or could not be enabled stay listed.
"""

from dataclasses import replace

from statordb.model.limits import KINESIS_DESTINATIONS_KEPT_MAX
from statordb.store.records import DestinationRecord, FeedRecord, TableRecord

VIEW = "NEW_AND_OLD_IMAGES"
SHARD = "feed"  # the one shard of a destination's feed

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


def enabled(record: TableRecord, stream_arn: str, precision: str | None, space: int, now: float) -> TableRecord | None:
    """The record with a destination that is being enabled, fed into a log in `space`; None while another is live."""
    if live(record) is not None:
        return None
    feed = FeedRecord(space, VIEW, [[0, SHARD]])
    enabling = DestinationRecord(stream_arn, TRANSITIONS["DISABLED", "enable"], precision, feed, now)
    if find(record, stream_arn) is not None:
        return _with(record, enabling)
    return replace(record, destinations=[enabling, *record.destinations][:KINESIS_DESTINATIONS_KEPT_MAX])


def moved(record: TableRecord, stream_arn: str, event: str, now: float, **changes: str | None) -> TableRecord | None:
    """The record after an event of a destination, which may bring `precision` or `description`; None where the event
    is refused. A destination that is over leaves its log to the keeper."""
    current = find(record, stream_arn)
    status = None if current is None else TRANSITIONS.get((current.status, event))
    if current is None or status is None:
        return None
    changed = replace(current, status=status, changed_at=now, **changes)  # type: ignore[arg-type]  # both are text
    if status not in _OVER:
        return _with(record, changed)
    assert current.feed is not None, "a live destination has a feed"
    left = replace(record, leftover=[*record.leftover, current.feed.space])
    return _with(left, replace(changed, precision=None, feed=None))


def _with(record: TableRecord, changed: DestinationRecord) -> TableRecord:
    """The record with the destination of that stream replaced."""
    return replace(
        record,
        destinations=[changed if known.stream_arn == changed.stream_arn else known for known in record.destinations],
    )
