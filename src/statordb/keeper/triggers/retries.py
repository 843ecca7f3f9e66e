"""What comes after a failed invocation: another attempt, halves, or the end.

Source: Lambda developer guide, "Retain discarded records for a DynamoDB event source in Lambda": splitting batches does
not consume the retry quota.
"""

from collections.abc import Sequence
from typing import NamedTuple

from statordb.keeper.triggers.events import Event, Piece
from statordb.store.functions.mappings import MappingRecord
from statordb.store.logs import RETENTION_SECONDS

PAUSE_SECONDS_MIN = 0.1  # before the first attempt after a failure; it doubles
PAUSE_SECONDS_MAX = 5.0


class Aftermath(NamedTuple):
    """Pieces that are still to be sent, in order, and records that are given up."""

    remains: Sequence[Piece]
    given_up: Sequence[Event]


def longer(pause: float) -> float:
    """The pause before the attempt after next."""
    return min(max(pause * 2, PAUSE_SECONDS_MIN), PAUSE_SECONDS_MAX)


def halves(piece: Piece) -> Sequence[Piece]:
    """A piece of several records, as two."""
    middle = len(piece.events) // 2
    return [piece._replace(events=piece.events[:middle]), piece._replace(events=piece.events[middle:])]


def after_failure(piece: Piece, failed_from: int, record: MappingRecord) -> Aftermath:
    """`piece` was sent, and its records from `failed_from` on did not succeed. `piece.invocations` counts this one.

    A record before which others succeeded has had its first attempt now: its retries begin anew.
    """
    rest = piece.events[failed_from:]
    if record.bisects and (failed_from or len(rest) > 1):
        again = piece._replace(events=rest, pause=PAUSE_SECONDS_MIN)
        return Aftermath([again] if failed_from else halves(again), ())
    retries = 1 if failed_from else piece.retries + 1
    if 0 <= record.retries_max < retries:
        return Aftermath((), rest)
    pause = PAUSE_SECONDS_MIN if failed_from else longer(piece.pause)
    return Aftermath([piece._replace(events=rest, retries=retries, pause=pause)], ())


def seconds_allowed(record: MappingRecord) -> float:
    """How old records may be: as the mapping says, and no older than the stream keeps any."""
    if record.age_seconds_max < 0:
        return RETENTION_SECONDS
    return min(float(record.age_seconds_max), RETENTION_SECONDS)


def lapsed(piece: Piece, record: MappingRecord, now: float) -> int:
    """How many records at the front are too old to be sent: older than the mapping allows or, where sending them has
    failed before, than the stream keeps any."""
    if record.age_seconds_max < 0 and not piece.pause:
        return 0
    horizon = now - seconds_allowed(record)
    count = 0
    for event in piece.events:
        if event.at >= horizon:
            break
        count += 1
    return count
