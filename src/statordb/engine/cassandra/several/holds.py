"""Rows that an update over several partitions holds: their marks are set and taken off by conditional writes, so that
no other update changes them in between."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from statordb.engine.cassandra.cluster.clock import Clock
from statordb.engine.cassandra.cql import keys, rows
from statordb.engine.cassandra.cql.patience import all_of, insist
from statordb.engine.cassandra.cql.rows import NOTHING, Found, Spot
from statordb.engine.cassandra.cql.session import Missing, Session, TimedOut, Unreachable
from statordb.engine.cassandra.owed.journal import Noted
from statordb.engine.cassandra.several.verdicts import Part
from statordb.engine.contract import Key

APPLY_TRIES = 20  # at the rows of one partition; each but the last leaves fewer of them
HOLD_SECONDS = 5.0  # how long an unknown outcome of a mark is asked for

Address = tuple[str, bytes, Spot]
"""Table, partition and spot of a row."""

Rows = dict[Address, Found]


def address(key: Key) -> Address:
    table, partition, kind = keys.place(key)
    return table, partition, (kind, key.sort)


def groups_of(addresses: Iterable[Address]) -> list[Noted]:
    """The same by partition."""
    spots: dict[tuple[str, bytes], dict[Spot, None]] = {}
    for table, partition, spot in addresses:
        spots.setdefault((table, partition), {})[spot] = None
    return [Noted(table, partition, tuple(here)) for (table, partition), here in spots.items()]


class Holds:
    """What is asked of the rows. Each of the writes may be done again; none does harm when it comes late."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def read(self, groups: Sequence[Noted]) -> Rows:
        """The rows as they are; those of a table that is gone are not there."""
        read: Rows = {}
        for part in await all_of([self._read(group) for group in groups]):
            read.update(part)
        return read

    async def _read(self, group: Noted) -> Rows:
        table, partition, spots = group
        try:
            found = await rows.read(self._session, table, partition, spots)
        except Missing:
            found = dict.fromkeys(spots, NOTHING)  # reads as empty
        return {(table, partition, spot): found[spot] for spot in spots}

    async def hold(self, group: Noted, id: bytes, expected: Mapping[Address, Found], doubtful: set[Noted]) -> Rows:
        """Mark the rows of one partition, if they have the expected versions and nobody holds any. Empty: they are
        held; else how the rows stand, perhaps as expected where others' writes are in the way. Raises Unreachable.

        `doubtful`: the group is added if a write may still be under way that would mark the rows at these versions.
        """
        table, partition, spots = group
        statements = [rows.hold(table, partition, spot, id, expected[table, partition, spot].version) for spot in spots]

        async def ask() -> list[dict[str, Any]] | None:
            try:
                return await self._session.conditional(statements)
            except Unreachable:
                doubtful.add(group)
                raise

        try:
            refused = await insist(ask, HOLD_SECONDS)
        except Missing:
            return {}  # nobody writes there any more
        except TimedOut:
            there = await self._read(group)  # Unreachable, unless it was others that were in the way
        else:
            if refused is None:
                return {}
            there = {(table, partition, spot): row for spot, row in rows.standing(spots, refused).items()}
        return {} if all(found.mark == id for found in there.values()) else there

    async def fence(self, group: Noted, known: Mapping[Address, Found], clock: Clock) -> None:
        """Make sure that rows have not the versions any more that they were known to have, so that nothing that goes by
        those can mark them. Raises Unreachable when it is not known to be done, or somebody holds such a row."""
        table, partition, spots = group
        for spot in spots:
            row = known[table, partition, spot]
            try:
                refused = await self._session.conditional(
                    [rows.touch(table, partition, spot, row, clock.next(row.version))]
                )
            except Missing:
                return
            if refused is not None and rows.standing([spot], refused)[spot].version == row.version:
                raise Unreachable("a row is held")

    async def apply(self, id: bytes, part: Part, version: int) -> None:
        """Write rows that are held, and let go of all of the partition. Those that somebody else did are let be. Raises
        Unreachable when it is not known to be done."""
        table, partition, writes, _, local = part
        left = part.held
        derived = [rows.derive(table, partition, spot, body) for spot, body in local.items()]
        for _ in range(APPLY_TRIES):
            if not left:
                return
            statements = [
                rows.put_held(table, partition, spot, writes[spot], version, id)
                if spot in writes
                else rows.release(table, partition, spot, id)
                for spot in left
            ]
            try:
                refused = await self._session.conditional(statements + derived)
            except Missing:
                return
            if refused is None:
                return
            left = [spot for spot, row in rows.standing(left, refused).items() if row.mark == id]
        if left:
            raise Unreachable("rows that are held can't be written")

    async def release(self, id: bytes, group: Noted) -> None:
        """Let go of rows of one partition. Raises Unreachable when it is not known to be done."""
        await self.apply(id, Part(group.table, group.partition, {}, group.spots, {}), 0)
