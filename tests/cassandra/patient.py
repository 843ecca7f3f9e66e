"""The engine on Cassandra with the patience of tests: what it gives up after seconds, it waits for, since a cluster
beside its tests on a slow machine takes its time.

    python -m tests.cassandra.patient serve ...
    python -m tests.cassandra.patient alone serve ...

is `statordb` so; the second takes itself and other processes for alive for minutes, which is for tests in which none
dies. Tests of what is given up set their own bounds, and those of faults run `statordb` as it is.
"""

import sys

from tests.pace import HANGS_SECONDS

from statordb.engine.cassandra.cluster.lease import Lease
from statordb.engine.cassandra.cluster.membership import Membership
from statordb.engine.cassandra.cluster.times import TIMES
from statordb.engine.cassandra.cql import patience, session
from statordb.engine.cassandra.several import attempt, holds, settling, snapshots, transactions
from statordb.engine.cassandra.single import planning, write, writer

GIVEN_UP = {
    session: ("REQUEST_SECONDS", "SCHEMA_SECONDS", "AGREEMENT_SECONDS", "PATIENCE_SECONDS"),
    patience: ("CONTENTION_SECONDS", "RACE_SECONDS"),
    attempt: ("COMMIT_SECONDS", "APPLY_SECONDS"),
    holds: ("HOLD_SECONDS",),
    planning: ("CONTENTION_SECONDS",),
    settling: ("SETTLE_SECONDS",),
    snapshots: ("SNAPSHOT_SECONDS",),
    transactions: ("FINISH_SECONDS",),
    write: ("RESOLVE_SECONDS",),
    writer: ("FINISH_SECONDS",),
}
CONFLICT_SECONDS = 10.0  # how long rows of others are waited for
COMMAND = (sys.executable, "-m", "tests.cassandra.patient")  # in the place of `statordb`
ALONE = "alone"


def have_patience() -> None:
    for module, names in GIVEN_UP.items():
        for name in names:
            assert getattr(module, name) > 0
            setattr(module, name, HANGS_SECONDS)
    Lease.ensure_valid.__defaults__ = (HANGS_SECONDS,)
    patience.CONFLICT_SECONDS = planning.CONFLICT_SECONDS = CONFLICT_SECONDS


def trust_all() -> None:
    Membership.__init__.__defaults__ = (TIMES._replace(lease=HANGS_SECONDS, still=2 * HANGS_SECONDS),)


def main() -> int:
    have_patience()
    if sys.argv[1] == ALONE:
        del sys.argv[1]
        trust_all()
    from statordb.server.main import main as serve

    return serve()


if __name__ == "__main__":
    sys.exit(main())
