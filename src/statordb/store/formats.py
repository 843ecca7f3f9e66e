"""The format of all records together: a number in the store, so that a release refuses what a newer one wrote.

Each kind of record has a format of its own, and rows say which is theirs. That alone would be found out row by row, in
the middle of requests; this number is compared when a store is opened.
"""

import os

from statordb.engine.contract import Effects, Engine, FormatTooNew, Key, Refused, Stored
from statordb.store import (
    access_keys,
    contention,
    holds,
    leases,
    log,
    migration,
    records,
    streams,
    transactions,
)
from statordb.store.alarms import records as alarms
from statordb.store.archive import records as archive
from statordb.store.backups import records as backups
from statordb.store.backups import schedules
from statordb.store.functions import catalog as functions
from statordb.store.functions import invocations, mappings
from statordb.store.identities import records as identities
from statordb.store.identities.migration import give_users
from statordb.store.insights import insights
from statordb.store.keyspace import Space
from statordb.store.kms import records as kms
from statordb.store.ledger import records as ledger
from statordb.store.scaling import records as scaling

KINDS = (
    *(
        records.KIND,
        log.KIND,
        holds.KIND,
        streams.KIND,
        functions.KIND,
        functions.PACKAGE,
        mappings.KIND,
        mappings.CHECKPOINT,
    ),
    *(invocations.KIND, leases.LEASE, leases.KEEPER, transactions.TOKEN, access_keys.KIND),
    *identities.KINDS,
    *(kms.KEY, kms.ALIAS, kms.GRANT),
    *(alarms.ALARM_KIND, alarms.HISTORY_KIND),
    *(archive.TRACK, archive.SEGMENT, archive.BASE),
    *(backups.BACKUP, backups.PART, schedules.SCHEDULE),
    insights.USE,
    *ledger.KINDS,
    *(scaling.TARGET, scaling.ACTIVITY),
)
STEPS = 1  # of the store as a whole: the ledger has the capacity of every table
KEY = Key(Space.FORMATS, b"records", b"")


def current() -> int:
    """The number of this release. It grows with every step of any kind."""
    return sum(kind.format for kind in KINDS) - len(KINDS) + 1 + STEPS


async def admit(engine: Engine, now: float) -> None:
    """See that this release knows all records of a store, and bring to its formats what is not of one row alone. Older
    releases refuse the store from then on. `now`: seconds since the epoch. Raises FormatTooNew."""
    supported = current()

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        found = _number(stored[0])
        if found > supported:
            return Refused(found)
        return Effects(writes=((KEY, b"%d" % supported),))

    found = _number(await engine.get(KEY))
    if found == supported:
        return
    if found > supported:
        raise FormatTooNew(found, supported)
    await migration.give_logs(engine, now)
    await give_users(engine, now, os.urandom)
    await migration.give_capacity(engine, now)
    outcome = await contention.update(engine, (KEY,), plan)
    if isinstance(outcome, Refused):
        raise FormatTooNew(outcome.reason, supported)


def _number(stored: Stored | None) -> int:
    return 0 if stored is None else int(stored.body)
