"""Rows that come in no order, put into a table in the order in which they lie there: so that rows which the disk writes
together go together."""

from collections.abc import Sequence
from operator import itemgetter

from statordb.archive.loading import Batch
from statordb.keeper.filling import Filling
from statordb.keeper.intake.frames import Item
from statordb.model.limits import LOADED_BYTES_MAX
from statordb.store.keyspace import DIGEST_BYTES
from statordb.store.store import Store
from statordb.store.terms import Row

BATCH_ROWS = 200
BATCH_BYTES_MAX = 128 << 10
_POSITIONS = 1 << 48
_ROW_BYTES = 200  # that a row takes in memory beside its own

Placed = tuple[int, bytes, int, Item]
"""Where an item lies: the place of its partition, its sort bytes; when it came; itself."""


class Loader:
    """Gathers some megabytes of rows, orders and loads them. Of rows of one key the last of those counts that came
    together, else the first."""

    def __init__(self, store: Store, filling: Filling) -> None:
        self._engine = store.engine
        self._filling = filling
        self._waiting: list[Placed] = []
        self._size = 0
        self._came = 0

    async def add(self, items: Sequence[Item]) -> bool:
        """False where the table is filled no more."""
        segment_of, waiting = self._engine.segment_of, self._waiting
        for item in items:
            self._came += 1
            waiting.append((segment_of(item[0], _POSITIONS), item[1], self._came, item))
            self._size += len(item[2]) + _ROW_BYTES
            for entry in item[3]:
                self._size += len(entry[3])
        return await self.finish() if self._size >= LOADED_BYTES_MAX else True

    async def finish(self) -> bool:
        """Load what was gathered; as `add`."""
        waiting, self._waiting, self._size = self._waiting, [], 0
        waiting.sort(key=itemgetter(0, 1, 2))
        filling, batches = self._filling, list[Batch]()
        for batch in self._batches(waiting):
            batches.append(batch)
            if len(batches) == filling.most:
                if not await filling.load(batches):
                    return False
                batches = []
        return not batches or await filling.load(batches)

    def _batches(self, placed: Sequence[Placed]) -> "list[Batch]":
        rows_max = 1 if self._filling.remote else BATCH_ROWS
        found, rows, entries, size = list[Batch](), list[Row](), list[list[tuple[int, bytes, bytes, bytes]]](), 0
        for at, (_, _, _, item) in enumerate(placed):
            partition, sort, body, derived, _, _ = item
            if at + 1 < len(placed):
                following = placed[at + 1][3]
                if following[1] == sort and following[0] == partition:
                    continue
            if rows and (len(rows) == rows_max or size + len(body) > BATCH_BYTES_MAX):
                found.append(Batch(rows, entries))
                rows, entries, size = [], [], 0
            rows.append(Row(partition, sort, body))
            entries.append([self._disguised(entry) for entry in derived] if derived else [])
            size += len(body) + sum(len(entry[3]) for entry in derived)
        if rows:
            found.append(Batch(rows, entries))
        return found

    def _disguised(self, entry: tuple[int, bytes, bytes, bytes]) -> tuple[int, bytes, bytes, bytes]:
        space, partition, sort, body = entry
        return space, partition, sort[:-DIGEST_BYTES] + self._engine.disguise(sort[-DIGEST_BYTES:]), body
