"""Guards: rows, usually of the catalog, whose version an update relies on without writing their partition.

Cassandra can't compare a row of another partition within a write. Instead the versions of guarded rows are remembered
as long as the epoch stands and this process's lease is valid; whoever changes such a row raises the epoch, and waits
until every process has adopted it and has ended the updates it began before (`membership.announce`).
"""

from collections.abc import Sequence

from statordb.engine.cassandra.cql import keys, rows
from statordb.engine.cassandra.cql.session import Session
from statordb.engine.contract import ABSENT, Guard, Key


class Guards:
    """Versions of guarded rows, by this process's own knowledge."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._versions: dict[Key, int] = {}
        self._asked: set[Key] = set()
        self._writes = 0  # of rows that were asked for

    def clear(self) -> None:
        """The epoch has changed."""
        self._writes += 1
        self._versions.clear()
        self._asked.clear()

    def forget(self, wrote: Sequence[Key]) -> None:
        """These rows are being, or have been, written by this process."""
        asked = self._asked
        for key in wrote:
            if key in asked:
                self._writes += 1
                self._versions.pop(key, None)

    def known(self, guards: Sequence[Guard]) -> bool:
        """Whether all hold, as far as is known without asking."""
        versions = self._versions
        return all(versions.get(key) == version for key, version in guards)

    async def stale(self, guards: Sequence[Guard]) -> Key | None:
        """The first key whose version is not the expected one."""
        for key, version in guards:
            if self._versions.get(key) == version:
                continue
            writes = self._writes
            self._asked.add(key)
            table, partition, kind = keys.place(key)
            found = await rows.read_one(self._session, table, partition, (kind, key.sort))
            current = ABSENT if found.body is None else found.version
            if writes == self._writes:
                self._versions[key] = current
            if current != version:
                return key
        return None
