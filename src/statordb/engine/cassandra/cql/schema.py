"""The keyspace: its tables, and the steps from one format to the next."""

import asyncio
import time
from collections.abc import Sequence

from statordb.engine.cassandra.cql import altering
from statordb.engine.cassandra.cql.keys import OWN_SPACES, table_of
from statordb.engine.cassandra.cql.session import QUORUM, SERIAL, Contact, Session, Unauthorized, Unreachable
from statordb.engine.contract import FormatTooNew, StoreUnusable

FORMAT = 4
REWRITING = "rewriting"  # a row of `meta` while rows and entries of logs have still to get another form
"""What each number came with; a released one is never changed, and its steps are taken by `_migrate`.

1   The first layout.
2   Records have members that a process of format 1 fails on. Nothing else changes.
3   Beside the epoch stands what the last announcements named, and what is owed may name what it announces. Processes of
    format 2 that run already pass over both: what they announce, or relay, may be anything.
4   Rows and entries of logs are sealed (`owed/rewriting.py`), which is done while no process runs.
"""
SEALED_FORMAT = 4
PREPARE_SECONDS = 120.0  # how long a cluster that does not answer well is asked again
UNAUTHORIZED_SECONDS = 20.0  # the same, where it says that the user may not
PAUSE_SECONDS = 0.5
LOOKS = 6
ROWS_COLUMNS = (
    "partition blob, kind tinyint, sort blob, body blob, version bigint, mark blob, "
    "PRIMARY KEY ((partition), kind, sort)"
)
TABLES = {
    # Numbers and notes of the whole store, by lightweight transactions only: format, epoch, next_table. news: of epoch.
    "meta": "name text PRIMARY KEY, value bigint, news text",
    # Rows of the server's own spaces.
    **{table_of(space): ROWS_COLUMNS for space in OWN_SPACES},
    # Cassandra tables of spaces, by lightweight transactions only. state: making, ready, used, dropped.
    "spaces": "part tinyint, number bigint, state text, kinds int, PRIMARY KEY (part, number)",
    # Change logs; `log` is the space, the shard and the time bucket, and which buckets there are.
    "logs": "log blob, sequence bigint, body blob, PRIMARY KEY (log, sequence)",
    "log_buckets": "log blob, bucket bigint, PRIMARY KEY (log, bucket)",
    # Running totals of a space, of each process that ever counted.
    "tallies": "space bigint, owner blob, rows bigint, bytes bigint, PRIMARY KEY (space, owner)",
    # Which process has which number, by lightweight transactions only; state: held, recovering, free.
    "slots": "slot int PRIMARY KEY, incarnation blob, state text, helper blob",
    # What each process tells of itself several times a second.
    "pulses": "part tinyint, slot int, incarnation blob, beat bigint, low bigint, top bigint, adopted bigint, "
    "wants boolean, "
    "PRIMARY KEY (part, slot, incarnation)",
    # Rows that updates of a process may be writing and owe derived data of.
    "journal": "slot int, incarnation blob, number bigint, body blob, PRIMARY KEY ((slot, incarnation), number)",
    # Outcomes of updates over several partitions, by lightweight transactions; and what they write, in chunks.
    "ledger": "id blob PRIMARY KEY, state text, version bigint, chunks int",
    "ledger_chunks": "id blob, number int, body blob, PRIMARY KEY (id, number)",
}


# A read that a node does not answer in time goes to another one: else a dead node, until the others know of it, makes
# every read wait that counted on it.
OPTIONS = "speculative_retry = 'MIN(99p,50ms)'"
# Of tables whose rows come and go all the time, and do no harm when they come back: what was deleted is forgotten soon,
# or it would have to be read over for ten days.
FLEETING = {"pulses", "journal", "ledger_chunks"}
FLEETING_SECONDS = 3600


def create_rows_table(name: str) -> str:
    """The statement that makes a space's table."""
    return f"CREATE TABLE IF NOT EXISTS {name} ({ROWS_COLUMNS}) WITH {OPTIONS}"


async def prepare(contact: Contact, replication: int | None = None, may_be_open: bool = False) -> list[str]:
    """Make the keyspace and its tables, or what is missing of them, and bring them to this release's format. May be run
    by several at once, and again. Returns the racks of the datacenter. `replication` None: as many as there are racks,
    at most three. `may_be_open`: rows that are not sealed yet are no reason to refuse. Raises StoreUnusable,
    FormatTooNew.
    """
    session = await Session.connect(contact)
    try:
        begun = time.monotonic()
        while True:
            try:
                racks = await _racks(session, contact.datacenter)
                await _prepare(session, contact.datacenter, replication or _copies(racks))
                if not may_be_open and await is_open(session, contact.keyspace):
                    raise StoreUnusable(
                        f"the rows of the keyspace {contact.keyspace} are not sealed yet: stop all servers, and run "
                        '"statordb cluster init" with the settings of one of them.'
                    )
                return sorted(set(racks))
            except Unreachable as fault:  # a cluster that has just been started answers late
                patience = UNAUTHORIZED_SECONDS if isinstance(fault, Unauthorized) else PREPARE_SECONDS
                if time.monotonic() - begun > patience:
                    raise StoreUnusable(f"the keyspace {contact.keyspace} can't be prepared: {fault}") from None
            await asyncio.sleep(PAUSE_SECONDS)
    finally:
        await session.close()


async def _prepare(session: Session, datacenter: str, copies: int) -> None:
    keyspace = session.contact.keyspace
    known = await session.rows(
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?", keyspace, consistency="ONE"
    )
    missing = TABLES.keys() - {name for (name,) in known}
    if "meta" not in missing:  # nothing is made in a keyspace of a newer release
        await _check_format(session, keyspace)
    await altering.alter(
        session,
        [
            *([] if known else [_create_keyspace(keyspace, datacenter, copies)]),
            *(_create_table(keyspace, name) for name in TABLES if name in missing),
        ],
    )
    if "meta" in missing:
        await _check_format(session, keyspace)


def _create_keyspace(keyspace: str, datacenter: str, copies: int) -> str:
    replication = f"{{'class': 'NetworkTopologyStrategy', '{datacenter}': {copies}}}"
    return f"CREATE KEYSPACE IF NOT EXISTS {keyspace} WITH replication = {replication}"


def _create_table(keyspace: str, name: str) -> str:
    options = f"{OPTIONS} AND gc_grace_seconds = {FLEETING_SECONDS}" if name in FLEETING else OPTIONS
    return f"CREATE TABLE IF NOT EXISTS {keyspace}.{name} ({TABLES[name]}) WITH {options}"


async def _racks(session: Session, datacenter: str) -> list[str]:
    """The rack of each node of a datacenter, as the nodes tell. Raises StoreUnusable, Unreachable."""
    nodes: dict[object, tuple[str, str]] = {}
    for _ in range(LOOKS):  # a node tells of itself and of the others apart, and each request may go to another one
        for table in ("local", "peers_v2"):
            text = f"SELECT host_id, data_center, rack FROM system.{table}"
            nodes.update((host, (center, rack)) for host, center, rack in await session.rows(text, consistency="ONE"))
    racks = [rack for center, rack in nodes.values() if center == datacenter]
    if not racks:
        known = ", ".join(sorted({center for center, _ in nodes.values()}))
        raise StoreUnusable(f"the cluster has no datacenter {datacenter}, only {known}")
    return racks


def _copies(racks: Sequence[str]) -> int:
    """How many copies nodes in these racks allow, at most three."""
    return min(3, len(racks) if len(set(racks)) == 1 else len(set(racks)))


async def _check_format(session: Session, keyspace: str) -> None:
    select = f"SELECT value FROM {keyspace}.meta WHERE name = ?"
    found = await session.rows(select, "format", consistency=QUORUM)
    if not found:
        insert = f"INSERT INTO {keyspace}.meta (name, value) VALUES (?, ?) IF NOT EXISTS"
        for name, value in (("epoch", 1), ("next_table", 4), ("format", FORMAT)):
            await session.conditional([(insert, (name, value))])
        found = await session.rows(select, "format", consistency=SERIAL)
    if not found:
        raise StoreUnusable(f"the format of the keyspace {keyspace} can't be read")
    await _migrate(session, keyspace, found[0][0])


async def _migrate(session: Session, keyspace: str, found: int) -> None:
    """Lead a keyspace on to this release's format; processes of older ones don't start on it any more. Raises
    FormatTooNew."""
    if found > FORMAT:
        raise FormatTooNew(found, FORMAT)
    await _add_news(session, keyspace)
    if found < SEALED_FORMAT:
        await session.conditional(
            [(f"INSERT INTO {keyspace}.meta (name, value) VALUES (?, ?) IF NOT EXISTS", (REWRITING, 1))]
        )
    update = f"UPDATE {keyspace}.meta SET value = ? WHERE name = 'format' IF value = ?"
    while found < FORMAT:
        refused = await session.conditional([(update, (found + 1, found))])
        found = found + 1 if refused is None else refused[0]["value"]
    if found > FORMAT:
        raise FormatTooNew(found, FORMAT)


async def is_open(session: Session, keyspace: str) -> bool:
    """Whether rows have still to be sealed. Raises Unreachable."""
    return bool(await session.rows(f"SELECT value FROM {keyspace}.meta WHERE name = ?", REWRITING, consistency=SERIAL))


async def _add_news(session: Session, keyspace: str) -> None:
    """The column of format 3, also where an earlier release died between making the table and noting its format."""
    text = "SELECT column_name FROM system_schema.columns WHERE keyspace_name = ? AND table_name = 'meta'"
    if ("news",) not in await session.rows(text, keyspace, consistency="ONE"):
        await session.schema(f"ALTER TABLE {keyspace}.meta ADD IF NOT EXISTS news text")
