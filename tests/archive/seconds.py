"""Restores of a table under writers to seconds of which they were told something, each held against that."""

import random
from functools import partial

from tests.archive.judge import SOURCE, Notes, active, fill, scan, violations
from tests.pace import until
from tests.raw import Connection

AHEAD = 1.0  # seconds by which a canary's moment is another one
TICK = 0.001  # times of changes are those of the millisecond
STREAM = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}}


def make(connection: Connection, still: int) -> None:
    """The source, with a stream and recovery."""
    fill(connection, still, **STREAM)
    specification = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    connection.ask("UpdateContinuousBackups", {"TableName": SOURCE, **specification})


def times(connection: Connection) -> tuple[float, float]:
    """The first and the last second that are told."""
    told = connection.ask("DescribeContinuousBackups", {"TableName": SOURCE})["ContinuousBackupsDescription"]
    recovery = told["PointInTimeRecoveryDescription"]
    return recovery["EarliestRestorableDateTime"], recovery["LatestRestorableDateTime"]


def is_kept(connection: Connection, moment: float) -> bool:
    return times(connection)[1] > moment


def begin(connection: Connection, name: str, moment: float) -> None:
    """A restore."""
    request = {"SourceTableName": SOURCE, "TargetTableName": name, "RestoreDateTime": moment}
    connection.ask("RestoreTableToPointInTime", request)


def some_moment(notes: list[Notes], earliest: float, chance: random.Random) -> float:
    """A second behind the first in which something was acknowledged."""
    acked = [acked for each in notes for _, acked, _ in each.both if acked is not None and acked > earliest + 1]
    return float(int(chance.choice(acked)))


def restored(connection: Connection, notes: list[Notes], still: int, chance: random.Random, name: str) -> int:
    """Have a table restored to some second, and see that it is just that; as how many other seconds it would not do."""
    moment = some_moment(notes, times(connection)[0], chance)
    until(partial(is_kept, connection, moment), "the second is kept", 0.2)
    begin(connection, name, moment)
    active(connection, name)
    items, entries = scan(connection, name), scan(connection, name, "ggg")
    assert violations(notes, items, entries, still, moment, moment + TICK) == [], f"{name} of {moment}"
    others = (moment - AHEAD, moment + AHEAD)
    return sum(bool(violations(notes, items, entries, still, other, other + TICK)) for other in others)
