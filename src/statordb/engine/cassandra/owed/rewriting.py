"""Giving every row and every entry of a log another form, once, while no process has the keyspace open.

It may be done again from the beginning, by who comes after one that died: what has its new form already is left as it
is. A row that is rewritten gets a place of its own before the old one goes.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

from statordb.engine.cassandra.cql import keys, ring
from statordb.engine.cassandra.cql.schema import REWRITING, is_open
from statordb.engine.cassandra.cql.session import Contact, Session
from statordb.engine.contract import Key, Row, StoreUnusable
from statordb.engine.rewriting import Rewrite, Rewriter

FOREVER = 1 << 62  # timestamp of deletions, above all that was ever written
PARTITIONS_AT_ONCE = 1000  # whose names are read together
ROWS_AT_ONCE = 100
SPACE_BYTES = 8
LENGTH_BYTES = 4
BUCKET_BYTES = 8

log = logging.getLogger(__name__)


async def rewrite_store(contact: Contact, rewrite: Rewrite, told: Sequence[int]) -> None:
    """Rewrite a keyspace, if that has still to be done. `told`: the spaces whose rows `rewrite` asks for. Raises
    StoreUnusable, Unreachable, and what `rewrite` and its Rewriter do."""
    session = await Session.connect(contact, contact.keyspace)
    try:
        if not await is_open(session, contact.keyspace):
            return
        if await session.rows("SELECT slot FROM journal LIMIT 1"):
            raise _unsettled(contact)
        log.warning("keyspace is being rewritten", extra={"keyspace": contact.keyspace})
        known = {space: [row async for row in _rows_of(session, space)] for space in told}
        rewriter = rewrite(known.__getitem__)
        for key, body in rewriter.added():
            table, partition, kind = keys.place(key)
            await session.write(_insert(table), partition, kind, key.sort, body, 1)
        tables = [keys.table_of(space) for space in keys.OWN_SPACES if space != rewriter.last]
        spaces = await _spaces(session)
        for table, space_of in [*((table, None) for table in tables), *spaces, (keys.table_of(rewriter.last), None)]:
            await _rewrite_table(session, contact, table, space_of, rewriter)
        await _rewrite_logs(session, rewriter)
        await session.conditional([("DELETE FROM meta WHERE name = ? IF EXISTS", (REWRITING,))])
        log.warning("keyspace has been rewritten", extra={"keyspace": contact.keyspace})
    finally:
        await session.close()


async def _spaces(session: Session) -> list[tuple[str, int]]:
    """The Cassandra tables of spaces that are used, each with the id of its space of kind 0."""
    rows = await session.rows("SELECT number, state, kinds FROM spaces WHERE part = 0")
    used = [(number, kinds or 0) for number, state, kinds in rows if state == "used" and not (kinds or 0) & keys.LOG]
    return [
        (keys.table_of(keys.space_id(number, 0)), keys.space_id(number, kinds & keys.DERIVED)) for number, kinds in used
    ]


async def _rewrite_table(session: Session, contact: Contact, table: str, space: int | None, rewriter: Rewriter) -> None:
    own = int(table.removeprefix("own")) if space is None else 0
    async for partition in _partitions(session, table):
        async for kind, sort, body, version, written, mark in _rows(session, table, partition):
            if mark is not None or (kind == keys.PENDING and body is not None):
                raise _unsettled(contact)
            if body is None:
                continue
            at = own if space is None else space + kind
            made = rewriter.row(Key(at, keys.partition_of(partition), sort), body)
            if made is None:
                continue
            key, sealed = made
            await session.write(
                _insert(table), keys.stored_partition(key.partition), kind, key.sort, sealed, version, timestamp=written
            )
            delete = f"DELETE FROM {table} WHERE partition = ? AND kind = ? AND sort = ?"
            await session.write(delete, partition, kind, sort, timestamp=FOREVER)


def _insert(table: str) -> str:
    return f"INSERT INTO {table} (partition, kind, sort, body, version) VALUES (?, ?, ?, ?, ?)"


async def _partitions(session: Session, table: str, column: str = "partition") -> AsyncIterator[bytes]:
    """The partitions of a Cassandra table, as stored."""
    at = ring.FIRST
    while True:
        text = f"SELECT DISTINCT {column} FROM {table} WHERE token({column}) > ? LIMIT {PARTITIONS_AT_ONCE}"
        found = [row[0] for row in await session.rows(text, at)]
        for partition in found:
            yield partition
        if len(found) < PARTITIONS_AT_ONCE:
            return
        at = ring.token(found[-1])  # two partitions of one token are as unlikely as 2**-64


async def _rows(session: Session, table: str, partition: bytes) -> AsyncIterator[tuple[Any, ...]]:
    columns = "kind, sort, body, version, WRITETIME(body), mark"
    after: tuple[int, bytes] = (-128, b"")
    while True:
        text = f"SELECT {columns} FROM {table} WHERE partition = ? AND (kind, sort) > (?, ?) LIMIT {ROWS_AT_ONCE}"
        found = await session.rows(text, partition, *after)
        for row in found:
            yield row
        if len(found) < ROWS_AT_ONCE:
            return
        after = found[-1][0], found[-1][1]


async def _rows_of(session: Session, space: int) -> AsyncIterator[Row]:
    table = keys.table_of(space)
    async for partition in _partitions(session, table):
        async for _, sort, body, *_ in _rows(session, table, partition):
            if body is not None:
                yield Row(keys.partition_of(partition), sort, body)


async def _rewrite_logs(session: Session, rewriter: Rewriter) -> None:
    async for bucket in _partitions(session, "logs", "log"):
        stream = int.from_bytes(bucket[:SPACE_BYTES], "big")
        shard = bucket[SPACE_BYTES + LENGTH_BYTES : -BUCKET_BYTES]
        after = -1
        while True:
            text = f"SELECT sequence, body FROM logs WHERE log = ? AND sequence > ? LIMIT {ROWS_AT_ONCE}"
            found = await session.rows(text, bucket, after)
            for sequence, body in found:
                made = rewriter.change(stream, shard, body)
                if made is not None:
                    # Of two values of one time the greater one counts, which is the sealed one: it begins with 10, and
                    # what there was with 01, 02 or 03. With a later time, it would outlive the trimming of its log.
                    update = "INSERT INTO logs (log, sequence, body) VALUES (?, ?, ?)"
                    await session.write(update, bucket, sequence, made, timestamp=sequence)
            if len(found) < ROWS_AT_ONCE:
                break
            after = found[-1][0]


def _unsettled(contact: Contact) -> StoreUnusable:
    return StoreUnusable(
        f"updates of the keyspace {contact.keyspace} have still to be settled: start a server of the release before, "
        "wait until statordb_recovery_* tell of nothing any more, stop it, and come again."
    )
