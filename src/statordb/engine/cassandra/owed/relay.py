"""What an update owes to other partitions is written there: any number of times, by anybody, in any order, to the same
end."""

import asyncio

from statordb.engine.cassandra.cluster.clock import STEP, seconds
from statordb.engine.cassandra.cluster.membership import Membership
from statordb.engine.cassandra.cql import keys, rows
from statordb.engine.cassandra.cql.session import Missing, Session, Statement
from statordb.engine.cassandra.owed.bundles import Bundles
from statordb.engine.cassandra.owed.logs import Logs
from statordb.engine.cassandra.owed.owed import Derived, Owed

RELAY_SECONDS = 1.0  # how long an answer waits for what is owed
TELL_SECONDS = 30.0  # the same, where the processes have to be told of it
GATHER_SECONDS = 0.05  # how long pending rows that are to be deleted are gathered
DELETIONS_MAX = 10  # in one request over several partitions: Cassandra warns of more
_AHEAD_SECONDS = 3600  # by how much a deletion's timestamp is above those that Cassandra's clocks give


class Relay:
    def __init__(self, session: Session, logs: Logs, membership: Membership) -> None:
        self._session = session
        self._logs = logs
        self._membership = membership
        self._deletions = Bundles(session, statements_max=DELETIONS_MAX, gather_seconds=GATHER_SECONDS)

    async def deliver(self, version: int, owed: Owed, *, recovering: bool = False) -> None:
        """Write derived rows and log entries, the first of which has `version` for its sequence; then, if need be,
        announce. Raises Unreachable.

        `recovering`: for somebody else, who may be dead. Nobody waits then for what is announced, and the dead are
        waited for by those who announce.
        """
        works = [self._derive(row) for row in owed.derived]
        runs: list[tuple[int, bytes, int, list[bytes]]] = []
        for place, (stream, shard, body) in enumerate(owed.changes):
            if runs and runs[-1][:2] == (stream, shard):
                runs[-1][3].append(body)
            else:
                runs.append((stream, shard, version + place * STEP, [body]))
        works += [self._logs.append(*run) for run in runs]
        if len(works) == 1:
            await works[0]
        elif works:
            await asyncio.gather(*works)
        if owed.announce and recovering:
            await self._membership.raise_epoch(owed.announce)
        elif owed.announce:
            await self._membership.announce(owed.announce)

    async def forget(self, table: str, partition: bytes, version: int) -> None:
        """Delete a pending row, after everything it tells was delivered; some together, since nobody waits for it.
        Raises Unreachable."""
        try:
            await self._deletions.write(None, _deletion(table, partition, version))
        except Missing:
            return  # and so is the table

    async def _derive(self, row: Derived) -> None:
        """A deletion is just below its version: above all that was derived of what was before, and not in the way of
        what is derived of the same row again."""
        table, partition = keys.table_of(row.space), keys.stored_partition(row.partition)
        text, values = rows.derive(table, partition, (keys.kind_of(row.space), row.sort), row.body)
        try:
            await self._session.write(text, *values, timestamp=row.version - (row.body is None))
        except Missing:
            return  # the space was dropped


def _deletion(table: str, partition: bytes, version: int) -> Statement:
    """Of a pending row. Its key will never be used again, so that the timestamp may lie ahead of all that wrote it."""
    text = f"DELETE FROM {table} USING TIMESTAMP ? WHERE partition = ? AND kind = {keys.PENDING} AND sort = ?"
    return text, (int((seconds(version) + _AHEAD_SECONDS) * 1e6), partition, version.to_bytes(8, "big"))
