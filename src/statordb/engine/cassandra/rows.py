"""Rows of base partitions: how they are read, and the conditional statements that write them.

A row is there if it has a body. A deleted row keeps its version for a while (MARKER_SECONDS), so that its next version
is above, and so that a write whose outcome got lost can be told from one that never happened. `mark` names the
transaction that holds the row; every other writer's condition is that there is none.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from statordb.engine.cassandra.session import Statement

MARKER_SECONDS = 3600
NEVER = b"\xf3\x1cthis is no body\x9a\x07"  # makes `body != NEVER` true of all bodies, so that a refusal tells the body


class Found(NamedTuple):
    """A row as it lies in its partition. body None: there is none; version 0: nor was there one lately."""

    body: bytes | None
    version: int
    mark: bytes | None


NOTHING = Found(None, 0, None)

Spot = tuple[int, bytes]
"""Where a row lies in its partition: kind and sort."""


def select(table: str) -> str:
    """One row: body, version, mark. Values: partition, kind, sort."""
    return f"SELECT body, version, mark FROM {table} WHERE partition = ? AND kind = ? AND sort = ?"


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


def found(row: tuple[Any, ...] | None) -> Found:
    """From (body, version, mark) as read."""
    return NOTHING if row is None else Found(row[0], row[1] or 0, row[2])


def refused(row: dict[str, Any]) -> Found:
    """From what a refused conditional write gives back of a row."""
    return Found(row["body"], row["version"] or 0, row["mark"])


def put(table: str, partition: bytes, spot: Spot, body: bytes, version: int, expected: int) -> Statement:
    """Put a row, if it has the expected version (0: none) and nobody holds it."""
    return (
        f"UPDATE {table} SET body = ?, version = ? WHERE partition = ? AND kind = ? AND sort = ? "
        "IF version = ? AND mark = null AND body != ?",
        (body, version, partition, *spot, expected or None, NEVER),
    )


def delete(table: str, partition: bytes, spot: Spot, version: int, expected: int) -> Statement:
    """Delete a row, on the same conditions."""
    return (
        f"UPDATE {table} USING TTL {MARKER_SECONDS} SET body = null, version = ? "
        "WHERE partition = ? AND kind = ? AND sort = ? IF version = ? AND mark = null AND body != ?",
        (version, partition, *spot, expected or None, NEVER),
    )


def keep(table: str, partition: bytes, spot: Spot, expected: int) -> Statement:
    """Leave a row as it is, on the same conditions: for what an update relied upon without writing it."""
    return (
        f"UPDATE {table} SET mark = null WHERE partition = ? AND kind = ? AND sort = ? "
        "IF version = ? AND mark = null AND body != ?",
        (partition, *spot, expected or None, NEVER),
    )


def touch(table: str, partition: bytes, spot: Spot, row: Found, version: int) -> Statement:
    """Give a row a new version and leave its body, on the same conditions: nobody who goes by the old version can write
    it afterwards."""
    if row.body is None:
        return delete(table, partition, spot, version, row.version)
    return (
        f"UPDATE {table} SET version = ? WHERE partition = ? AND kind = ? AND sort = ? "
        "IF version = ? AND mark = null AND body != ?",
        (version, partition, *spot, row.version or None, NEVER),
    )


def derive(table: str, partition: bytes, spot: Spot, body: bytes | None) -> Statement:
    """Put or delete a derived row that lies in the partition: a part of a conditional batch, without a condition."""
    if body is None:
        return f"DELETE FROM {table} WHERE partition = ? AND kind = ? AND sort = ?", (partition, *spot)
    return f"INSERT INTO {table} (partition, kind, sort, body) VALUES (?, ?, ?, ?)", (partition, *spot, body)
