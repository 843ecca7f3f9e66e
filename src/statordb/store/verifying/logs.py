"""Items and the records of their changes: the newest record of an item says what that has to be.

Read are the open shards of a table's log, and those before them: no write of the table was left out of these. Others
write meanwhile, so what seems wrong is looked at again, the item first and then what the log has got since.
"""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import NamedTuple

import orjson

from statordb.crypto.sealer import Unsealable
from statordb.engine.contract import Change, Key, PageBudget
from statordb.model.values import Item
from statordb.store import changes, codec, entries
from statordb.store.image import Image
from statordb.store.store import Store
from statordb.store.table import Table
from statordb.store.verifying.findings import Fault, Report, place_of
from statordb.store.verifying.indexes import PAUSES
from statordb.store.verifying.walk import TOGETHER, Damaged, looked_up, walk_log

ITEMS_MAX = 200_000  # whose newest change is remembered, about 400 bytes each; of others nothing can be said


class _Newest(NamedTuple):
    """The newest change of an item. `image`: a digest of what it left, None where the log does not carry that."""

    sequence: int
    shard: str
    gone: bool
    image: bytes | None


class Log:
    """Looks at the log of one table."""

    def __init__(
        self, store: Store, table: Table, report: Report, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        assert table.record.log is not None
        self._store = store
        self._engine = store.engine
        self._table = table
        self._space = table.record.log.space
        self._report = report
        self._pause = pause
        self._newest: dict[bytes, _Newest] = {}  # by the item's key as JSON
        self._ends: dict[str, int] = {}  # up to where each shard was read

    async def run(self) -> None:
        """Raises Enough."""
        await self._read_on()
        keys = list(self._newest)
        for start in range(0, len(keys), TOGETHER):
            known = {self._key(key): key for key in keys[start : start + TOGETHER]}
            for key, body in (await looked_up(self._engine, list(known))).items():
                if not _fits(self._newest[known[key]], body) and await self._is_fault(known[key]):
                    item: Item = orjson.loads(known[key])
                    self._report.add(Fault.LOG, None, place_of(key.partition, key.sort), item)

    def _key(self, key: bytes) -> Key:
        return self._table.primary.key(orjson.loads(key))

    async def _read_on(self) -> None:
        """Know the newest change of each item, by what the log has got since this was called last."""
        record = self._table.record
        log = await self._store.logs.find(record.account, record.region, record.name, self._space)
        if log is None:
            return
        line = {shard.id for shard in log.shards if shard.closed_at is None}
        for shard in reversed(log.shards):  # parents come before their children
            if shard.id in line and shard.parent is not None:
                line.add(shard.parent)
        for shard in log.shards:
            if shard.id in line and shard.space is None:
                async for change in walk_log(self._engine, self._space, shard.id, self._ends.get(shard.id, 0)):
                    self._take(shard.id, change)

    def _take(self, shard: str, change: Change | Damaged) -> None:
        self._report.summary.changes += 1
        if isinstance(change, Damaged):
            self._ends[shard] = int.from_bytes(change.sort, "big")
            self._report.add(Fault.DAMAGED, "changes", place_of(change.partition, change.sort), detail=change.why)
            return
        sequence, body = change
        self._ends[shard] = sequence
        key = entries.keys(body)
        known = self._newest.get(key)
        if known is None and len(self._newest) >= ITEMS_MAX:
            return
        if known is None or known.sequence < sequence:
            gone = entries.kind(body) & ~changes.SERVICE == changes.REMOVE
            text = entries.new_image(body)
            self._newest[key] = _Newest(sequence, shard, gone, None if text is None else _digest(text))

    async def _is_fault(self, key: bytes) -> bool:
        decisive, row_key = self._engine.traits.global_indexes_strong, self._key(key)
        record, wrong = self._table.record, False
        for seconds in PAUSES:
            await self._pause(seconds)
            table = await self._store.catalog.reload(record.account, record.region, record.name)
            if table is None or table.record.log is None or table.record.log.space != self._space:
                return False
            before = self._newest[key].sequence
            try:
                row = await self._engine.get(row_key)
            except Unsealable:
                return False
            await self._read_on()
            newest, body = self._newest[key], None if row is None else row.body
            if _fits(newest, body) or await self._equal(newest, body):
                return False
            wrong = newest.sequence == before
            if wrong and decisive:
                return True
        return wrong

    async def _equal(self, newest: _Newest, body: bytes | None) -> bool:
        """Whether an item is what a change left but for the order in which it is written, which no change tells of."""
        if body is None or newest.gone:
            return False
        try:
            found = await self._engine.log(self._space, newest.shard.encode(), newest.sequence - 1, PageBudget(1, 1))
        except Unsealable:
            return True  # told of as such
        text = entries.new_image(found[0].body) if found else None
        return text is None or changes.kind(Image(body), Image(codec.FORMAT_PLAIN + body[1:5] + text)) is None


def _fits(newest: _Newest, body: bytes | None) -> bool:
    if newest.gone or body is None:
        return newest.gone and body is None
    return newest.image is None or newest.image == _digest(codec.text(body))


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()
