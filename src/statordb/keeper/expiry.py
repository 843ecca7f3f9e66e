"""Deletes items whose time to live is over, in the order of the expiry index.

Where an engine's indexes are eventual, an entry may be there whose item is gone or is not due any more. Mostly it is
about to go as well. One that stays is taken away by itself, in an update of its item: so it can't overtake what a later
write of that item derives.
"""

from collections.abc import Sequence

from statordb.commands.capacity import count_write
from statordb.keeper.rounds import in_rounds
from statordb.metering.series import EXPIRED_ITEMS, EXPIRY, Series
from statordb.model.errors import ClientError
from statordb.store import codec, upkeep
from statordb.store.image import Image
from statordb.store.indexes.expiry import PARTITIONS, ExpiryIndex
from statordb.store.store import Store
from statordb.store.table import Table
from statordb.store.terms import Conflict, Key, PageBudget, Refused, Row, Stop

LEFT_SECONDS = 60.0  # an entry that led to nothing is left alone for so long
LEFT_NOTED_MAX = 1000  # of one partition of an index

_EXPIRED = Series(EXPIRED_ITEMS)
_CHUNK = PageBudget(rows_max=100, bytes_max=1 << 20)


class Walk:
    """How far one partition of an expiry index was walked through, again and again.

    `after`: the sort bytes of the last entry seen; None at the beginning. `left`: entries that led to nothing, by their
    sort bytes, and since when (seconds since the epoch).
    """

    __slots__ = ("_seen", "after", "left")

    def __init__(self) -> None:
        self.after: bytes | None = None
        self.left: dict[bytes, float] = {}
        self._seen: set[bytes] = set()

    def step(self, rows: Sequence[Row], stop: Stop) -> None:
        """Go on behind rows, or begin again at the end; then what was not seen any more is forgotten."""
        self._seen.update(row.sort for row in rows if row.sort in self.left)
        if stop is not Stop.EXHAUSTED:
            self.after = rows[-1].sort
            return
        self.left = {sort: since for sort, since in self.left.items() if sort in self._seen}
        self._seen.clear()
        self.after = None

    def note(self, sort: bytes, now: float) -> None:
        if len(self.left) < LEFT_NOTED_MAX:
            self.left[sort] = now


class Expiry:
    """Each run looks at every table with time to live, and deletes at most a chunk a partition."""

    name = "expiry"
    every_seconds = 0.5

    def __init__(self, store: Store) -> None:
        self._store = store
        self._epoch: int | None = None
        self._tables: list[tuple[str, str, str]] = []
        self._walks: dict[tuple[int, bytes], Walk] = {}  # by space and partition

    async def run_once(self) -> bool:
        epoch = self._store.engine.epoch()
        if epoch != self._epoch:
            records = await self._store.catalog.all()
            self._tables = [(r.account, r.region, r.name) for r in records if r.expiry is not None]
            spaces = {record.expiry.space for record in records if record.expiry is not None}
            self._walks = {place: walk for place, walk in self._walks.items() if place[0] in spaces}
            self._epoch = epoch
        more = False
        for name in self._tables:
            table = await self._store.catalog.find(*name)
            if table is not None and table.expiry is not None and table.closed is None:
                more = await self._expire(table, table.expiry) or more
        return more

    async def _expire(self, table: Table, index: ExpiryIndex) -> bool:
        now = self._store.clock.now()
        more = False
        for partition in (bytes((number,)) for number in range(PARTITIONS)):
            walk = self._walks.setdefault((index.space, partition), Walk())
            page = await self._store.engine.range(index.space, partition, index.expired(now), True, _CHUNK, walk.after)
            rows = page.rows
            deleted = await in_rounds(self._look(table, index, walk, row, now) for row in rows)
            walk.step(rows, page.stop)
            more = more or any(deleted) or walk.after is not None
        return more

    async def _look(self, table: Table, index: ExpiryIndex, walk: Walk, row: Row, now: float) -> bool:
        """Whether the entry's item was deleted."""
        since = walk.left.get(row.sort)
        if since is not None and now - since < LEFT_SECONDS:
            return False
        key = table.primary.key(codec.decode(row.body))
        if await self._delete(table, index, key, now):
            return True
        if since is not None:
            await upkeep.clear(self._store.engine, table, index, key, Key(index.space, row.partition, row.sort))
        walk.note(row.sort, now)
        return False

    async def _delete(self, table: Table, index: ExpiryIndex, key: Key, now: float) -> bool:
        """Delete one item unless it was changed meanwhile so that it is not due any more, or a transaction holds it."""

        def apply(old: Image | None) -> Image | Refused | None:
            return None if old is not None and index.due(old, now) else Refused(None)

        try:
            written = await table.write(key, apply, service=True)
        except (ClientError, Conflict):  # the table was deleted meanwhile, or the item is held
            return False
        if isinstance(written, Refused):
            return False
        count_write(table, written, EXPIRY)
        table.tap.add(_EXPIRED, 1)
        return True
