"""Rows of partitions: how they are read, and the conditional statements that write those of base partitions.

A row is there if it has a body. Body and version are always written together: so what one copy has of them belongs
together, however much that copy has missed, and the version alone tells whether a guess at the row is right. A deleted
row keeps its version for a while (MARKER_SECONDS), so that its next version is above, and so that a write whose outcome
got lost can be told from one that never happened. `mark` names the transaction that holds the row; every other writer's
condition is that there is none.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from statordb.engine.cassandra.cql.session import QUORUM, Session, Statement
from statordb.engine.contract import Stored

MARKER_SECONDS = 3600
NEVER = b"\xf3\x1cthis is no body\x9a\x07"  # makes `body != NEVER` true of all bodies, so that a refusal tells the body
_AT = "WHERE partition = ? AND kind = ? AND sort = ?"
_IF = "IF version = ? AND mark = null AND body != ?"
_IF_HELD = "IF mark = ?"


class Found(NamedTuple):
    """A row as it lies in its partition. body None: there is none; version 0: nor was there one lately."""

    body: bytes | None
    version: int
    mark: bytes | None

    @property
    def stored(self) -> Stored | None:
        """As the contract has it."""
        return None if self.body is None else Stored(self.body, self.version)


NOTHING = Found(None, 0, None)

Spot = tuple[int, bytes]
"""Where a row lies in its partition: kind and sort."""


def select(table: str) -> str:
    """One row: body, version, mark. Values: partition, kind, sort."""
    return f"SELECT body, version, mark FROM {table} {_AT}"


def select_many(table: str, spots: int) -> str:
    """Rows of one partition: kind, sort, body, version, mark. Values: partition, then kind and sort of each."""
    places = ", ".join(["(?, ?)"] * spots)
    return f"SELECT kind, sort, body, version, mark FROM {table} WHERE partition = ? AND (kind, sort) IN ({places})"


def padded(partition: bytes, spots: Sequence[Spot]) -> list[Any]:
    """Values for `select_many` of a power of two of spots, so that few statements have to be prepared: naming a row
    twice does no harm."""
    values: list[Any] = [partition]
    for spot in spots:
        values += spot
    return values + [*spots[-1]] * ((1 << (len(spots) - 1).bit_length()) - len(spots))


async def read_one(session: Session, table: str, partition: bytes, spot: Spot, consistency: str = QUORUM) -> Found:
    """Raises Unreachable, Missing."""
    return found(await session.rows(select(table), partition, *spot, consistency=consistency))


async def read(
    session: Session, table: str, partition: bytes, spots: Sequence[Spot], consistency: str = QUORUM
) -> dict[Spot, Found]:
    """Some rows (at least one) of a partition, as they stand at one moment. Raises Unreachable, Missing."""
    if len(spots) == 1:
        return {spots[0]: await read_one(session, table, partition, spots[0], consistency)}
    values = padded(partition, spots)
    there = dict.fromkeys(spots, NOTHING)
    found = await session.rows(select_many(table, len(values) // 2), *values, consistency=consistency)
    for kind, sort, body, version, mark in found:
        there[kind, sort] = Found(body, version or 0, mark)
    return there


def found(rows: Sequence[tuple[Any, ...]]) -> Found:
    """From what `select` gives."""
    if not rows:
        return NOTHING
    body, version, mark = rows[0]
    return Found(body, version or 0, mark)


def standing(spots: Iterable[Spot], refusal: Sequence[dict[str, Any]]) -> dict[Spot, Found]:
    """How the rows that a conditional write depends on stand, as its refusal tells: those that it does not name are
    not there. Of a write that only asks for marks it tells nothing else."""
    there = dict.fromkeys(spots, NOTHING)
    for row in refusal:
        # A single statement's refusal does not name its row.
        spot = (row["kind"], row["sort"]) if "kind" in row else next(iter(there))
        if spot in there:
            there[spot] = Found(row.get("body"), row.get("version") or 0, row["mark"])
    return there


def put(table: str, partition: bytes, spot: Spot, body: bytes, version: int, expected: int) -> Statement:
    """Put a row, if it has the expected version (0: none) and nobody holds it."""
    return (
        f"UPDATE {table} SET body = ?, version = ? {_AT} {_IF}",
        (body, version, partition, *spot, expected or None, NEVER),
    )


def delete(table: str, partition: bytes, spot: Spot, version: int, expected: int) -> Statement:
    """Delete a row, on the same conditions."""
    return (
        f"UPDATE {table} USING TTL {MARKER_SECONDS} SET body = null, version = ? {_AT} {_IF}",
        (version, partition, *spot, expected or None, NEVER),
    )


def keep(table: str, partition: bytes, spot: Spot, expected: int) -> Statement:
    """Leave a row as it is, on the same conditions: for what an update relied upon without writing it."""
    return (
        f"UPDATE {table} SET mark = null {_AT} {_IF}",
        (partition, *spot, expected or None, NEVER),
    )


def touch(table: str, partition: bytes, spot: Spot, row: Found, version: int) -> Statement:
    """Give a row a new version and leave its body, on the same conditions: nobody who goes by the old version can write
    it afterwards."""
    if row.body is None:
        return delete(table, partition, spot, version, row.version)
    return put(table, partition, spot, row.body, version, row.version)


def hold(table: str, partition: bytes, spot: Spot, id: bytes, expected: int) -> Statement:
    """Mark a row for a transaction, on the same conditions."""
    return f"UPDATE {table} SET mark = ? {_AT} {_IF}", (id, partition, *spot, expected or None, NEVER)


def release(table: str, partition: bytes, spot: Spot, id: bytes) -> Statement:
    """Take a transaction's mark off a row, if it is there."""
    return f"UPDATE {table} SET mark = null {_AT} {_IF_HELD}", (partition, *spot, id)


def put_held(table: str, partition: bytes, spot: Spot, body: bytes | None, version: int, id: bytes) -> Statement:
    """Put or delete a row that a transaction holds, and take its mark off."""
    lasts = "" if body is not None else f" USING TTL {MARKER_SECONDS}"
    text = f"UPDATE {table}{lasts} SET body = ?, version = ?, mark = null {_AT} {_IF_HELD}"
    return text, (body, version, partition, *spot, id)


def derive(table: str, partition: bytes, spot: Spot, body: bytes | None) -> Statement:
    """Put or delete a derived row, without a condition: by itself, or in a conditional batch of its partition."""
    if body is None:
        return f"DELETE FROM {table} {_AT}", (partition, *spot)
    return f"INSERT INTO {table} (partition, kind, sort, body) VALUES (?, ?, ?, ?)", (partition, *spot, body)
