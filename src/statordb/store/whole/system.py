"""The store's own rows, as they go with a whole store to another place.

What is of the processes and the engine that have a store stays behind, as do the logs of tables and how far those were
read: a store that comes back begins them anew.
"""

from collections.abc import Mapping

from statordb.engine.contract import Row
from statordb.store.backups.backups import is_doomed
from statordb.store.backups.schedules import is_schedule
from statordb.store.catalog import ROOT
from statordb.store.keyspace import Space

CARRIED = (
    Space.KMS, Space.IDENTITIES, Space.CREDENTIALS, Space.FUNCTIONS, Space.FUNCTION_CODE, Space.MAPPINGS,
    Space.CHECKPOINTS, Space.INVOCATIONS, Space.LEDGER, Space.LEDGER_SUBJECTS, Space.LEDGER_CAPACITY, Space.ALARMS,
    Space.ALARM_HISTORY, Space.SCALING, Space.SCALING_ACTIVITIES, Space.INSIGHTS, Space.TOKENS, Space.BACKUPS,
    Space.JOBS,
    Space.CATALOG,
)  # fmt: skip
"""In the order in which they are put back: what is sealed by a key of KMS comes behind the keys."""

LEFT: Mapping[Space, str] = {
    Space.SEAL: "the keys of its rows: those of the store are told apart, and rows are sealed anew",
    Space.FORMATS: "told apart",
    Space.LEASES: "who did what, and what was under way",
    Space.SHARES: "what servers spent a moment ago",
    Space.CONDEMNED: "spaces of that engine",
    Space.LOGS: "logs begin anew",
    Space.HOLDS: "likewise",
    Space.ARCHIVE: "tracks of logs begin anew with them",
    Space.STREAMS: "likewise, under their names",
}


def is_table(row: Row) -> bool:
    """Whether a row of the catalog is a table's record."""
    return row.partition != ROOT


def comes_back(space: int, row: Row) -> bool:
    """Whether a row is put back as it is: not a table's record, nor how far a shard was read that is gone. Which
    backups there are is told by what lies in the objects; only those whose objects are to go are known by their rows,
    and how far schedules are."""
    if space == Space.CATALOG:
        return not is_table(row)
    if space == Space.CHECKPOINTS:
        return not row.sort
    if space == Space.BACKUPS:
        return is_doomed(row) or is_schedule(row)
    return True
