"""Items of one table, read a few at a time."""

from collections.abc import Iterable
from itertools import islice

from statordb.engine.contract import Key
from statordb.store.table import READ_HERE_BYTES, Table

READ_AT_ONCE_MAX = 256  # items, of a store that has to be waited for
READ_HERE_AT_ONCE_MAX = 8


class Parts:
    """Reads the items of some keys, in their order.

    What is here is read a few at a time, so that others may run between: items may be large, which the ones before tell
    best. `keys` are taken as they are needed.
    """

    __slots__ = ("_at_once", "_consistent", "_here", "_keys", "_table")

    def __init__(self, table: Table, keys: Iterable[Key], consistent: bool) -> None:
        self._table = table
        self._keys = iter(keys)
        self._consistent = consistent
        self._here = table.here
        self._at_once = 1 if self._here is not None else READ_AT_ONCE_MAX

    async def next(self) -> list[bytes | None]:
        """The bodies of the next ones, each as it is when it is read; none where there are no more keys."""
        part = list(islice(self._keys, self._at_once))
        if not part:
            return []
        if self._here is None:
            return await self._table.get_many(part, self._consistent)
        bodies = self._here.bodies(part)
        size = sum([len(body) for body in bodies if body is not None])
        self._at_once = 1 if size > READ_HERE_BYTES // 2 else min(4 * len(part), READ_HERE_AT_ONCE_MAX)
        return bodies
