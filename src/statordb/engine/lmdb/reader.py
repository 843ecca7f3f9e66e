"""Reads: each in one short read transaction, in the calling thread. Nothing here waits or suspends."""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import NoReturn, TypeVar

import lmdb

from statordb.engine.contract import (
    Bounds,
    Change,
    EngineClosed,
    Heads,
    Here,
    Key,
    Page,
    PageBudget,
    Place,
    Stop,
    Stored,
    Usage,
)
from statordb.engine.lmdb.groups import entries
from statordb.engine.lmdb.keys import (
    HEAD_BYTES,
    PREFIX_BYTES,
    ROW_OVERHEAD_BYTES,
    SEQUENCE_BYTES,
    Digest,
    HashCollision,
    after_prefix,
    collision,
    log_prefix,
    pack_id,
    pack_length,
    segment_edges,
    tally_key,
    unpack_head,
    unpack_id,
    unpack_length,
    unpack_tally,
)
from statordb.engine.lmdb.late import reread, reread_async
from statordb.engine.lmdb.rows import decode, new, read_cut

Taken = TypeVar("Taken", bytes, memoryview)
CHUNK_ROWS = 16  # taken from a cursor at once; more would be read in vain where a few reach the byte budget


def closed(*_: object, **__: object) -> NoReturn:
    """Stands in for `Environment.begin` once the engine is closed, so that an open one checks nothing."""
    raise EngineClosed("the engine is closed")


class Reader:
    """The reading half of the engine. See `contract.Engine` for what each call means."""

    def __init__(self, env: lmdb.Environment, digest: Digest) -> None:
        self._begin: Callable[[], lmdb.Transaction[bytes]] = env.begin
        self._begin_views: Callable[[], lmdb.Transaction[memoryview]] = lambda: env.begin(buffers=True)
        self._digest = digest

    @property
    def here(self) -> Here:
        return self

    async def get(self, key: Key, consistent: bool = True, skip: int = 0) -> Stored | None:
        space, partition, sort = key
        value = self._value(pack_id(space) + self._digest(partition) + sort)
        if value is None:
            return None
        version, length = unpack_head(value)  # as rows.decode, but for `skip`
        if length != len(partition) or not value.startswith(partition, HEAD_BYTES):
            raise collision(space, partition, value)
        return new(Stored, (value[HEAD_BYTES + length + skip :], version))

    def body(self, space: int, partition: bytes, sort: bytes, skip: int = 0) -> bytes | None:
        value = self._value(pack_id(space) + self._digest(partition) + sort)
        if value is None:
            return None
        start = HEAD_BYTES + len(partition)
        if value[HEAD_BYTES:start] != partition or unpack_length(value)[0] != len(partition):
            raise collision(space, partition, value)
        return value[start + skip :]

    def _value(self, row: bytes) -> bytes | None:
        try:
            return self._begin().get(row)  # the transaction ends with its object: `with` costs half a read more
        except lmdb.CorruptedError:
            return self._value_again(row)

    @reread
    def _value_again(self, row: bytes) -> bytes | None:
        with self._begin() as txn:
            return txn.get(row)

    @reread_async
    async def read(
        self, keys: Sequence[Key], consistent: bool = True, snapshot: bool = True, heads: Heads | None = None
    ) -> list[Stored | None]:
        if heads is not None:
            with self._begin_views() as txn_of_views:
                return read_cut(txn_of_views, keys, self._digest, heads)
        digest = self._digest
        found: list[Stored | None] = []
        with self._begin() as txn:
            for key in keys:
                space, partition, sort = key
                value = txn.get(pack_id(space) + digest(partition) + sort)
                found.append(None if value is None else decode(key, value))
        return found

    async def range(
        self,
        space: int,
        partition: bytes,
        bounds: Bounds,
        forward: bool,
        budget: PageBudget,
        after: bytes | None = None,
        consistent: bool = True,
        head: int | None = None,
    ) -> Page:
        if head is None:
            return self.page(space, partition, bounds, forward, budget, after)
        start, end = self._edges(space, partition, bounds, forward, after)
        page = reread(self._heads)(start, end, forward, budget, head)
        for row in page.rows:
            if row.partition != partition:
                raise HashCollision(space, partition, row.partition)
        return page

    def page(
        self,
        space: int,
        partition: bytes,
        bounds: Bounds,
        forward: bool,
        budget: PageBudget,
        after: bytes | None = None,
        skip: int = 0,
    ) -> Page:
        start, end = self._edges(space, partition, bounds, forward, after)
        try:
            pairs, stop, size = self._pairs(start, end, forward, budget)
        except lmdb.CorruptedError:
            pairs, stop, size = reread(self._pairs)(start, end, forward, budget)
        named = pack_length(len(partition)) + partition
        body_start = HEAD_BYTES + len(partition) + skip
        bodies = [value[body_start:] for _, value in pairs if value.startswith(named, HEAD_BYTES - 2)]
        if len(bodies) != len(pairs):
            raise collision(space, partition, next(v for _, v in pairs if not v.startswith(named, HEAD_BYTES - 2)))
        return Page(bodies, stop, size, lambda index: (partition, pairs[index][0][PREFIX_BYTES:]))

    def _edges(
        self, space: int, partition: bytes, bounds: Bounds, forward: bool, after: bytes | None
    ) -> tuple[bytes, bytes]:
        """The first key of a range, and the first behind it."""
        prefix = pack_id(space) + self._digest(partition)
        lower, upper = bounds
        start = prefix + lower
        end = after_prefix(prefix) if upper is None else prefix + upper
        if after is not None:
            if forward:
                start = max(start, prefix + after + b"\0")
            else:
                end = min(end, prefix + after)
        return start, end

    def _pairs(
        self, start: bytes, end: bytes, forward: bool, budget: PageBudget
    ) -> tuple[list[tuple[bytes, bytes]], Stop, int]:
        """Keys and values of a page, why there are no more, and the page's bytes."""
        rows_left, bytes_left = budget
        pairs: list[tuple[bytes, bytes]] = []
        stop: Stop | None = None
        with self._begin() as txn, txn.cursor() as cursor:
            walk = _walk(cursor, start, end, forward)
            while stop is None:
                chunk = list(islice(walk, min(rows_left, CHUNK_ROWS)))
                # Keys come in order: if the last one is within the bounds, so are all.
                if not chunk or not start <= chunk[-1][0] < end:
                    chunk = [pair for pair in chunk if start <= pair[0] < end]
                    stop = Stop.EXHAUSTED
                chunk_bytes = sum(map(len, chain.from_iterable(chunk))) - len(chunk) * ROW_OVERHEAD_BYTES
                if chunk_bytes >= bytes_left and chunk:
                    chunk, chunk_bytes = _within(chunk, bytes_left)
                    stop = Stop.BYTES
                bytes_left -= chunk_bytes
                rows_left -= len(chunk)
                pairs = pairs + chunk if pairs else chunk
                if not rows_left and stop is not Stop.BYTES:
                    stop = Stop.ROWS
        return pairs, stop, budget[1] - bytes_left

    @reread_async
    async def scan(
        self,
        space: int,
        segment: int,
        total: int,
        budget: PageBudget,
        after: tuple[bytes, bytes] | None = None,
        consistent: bool = True,
        head: int | None = None,
    ) -> Page:
        start, end = segment_edges(space, segment, total)
        if after is not None:
            partition, sort = after
            start = max(start, pack_id(space) + self._digest(partition) + sort + b"\0")
        if head is not None:
            return self._heads(start, end, True, budget, head)
        with self._begin() as txn, txn.cursor() as cursor:
            return _page(_walk(cursor, start, end, True), end, budget)

    def _heads(self, start: bytes, end: bytes, forward: bool, budget: PageBudget, head: int) -> Page:
        """A page that has only so many bytes of each body: the rest is not even copied out of the store."""
        with self._begin_views() as txn, txn.cursor() as cursor:
            return _heads_page(_walk(cursor, start, end, forward), start, end, budget, head)

    @reread_async
    async def log(self, stream: int, shard: bytes, after: int, budget: PageBudget) -> list[Change]:
        prefix = log_prefix(stream, shard)
        start = prefix + pack_id(after + 1)
        rows_max, bytes_left = budget
        found: list[Change] = []
        with self._begin() as txn, txn.cursor() as cursor:
            if cursor.set_range(start):
                for key, value in cursor.iternext(True, True):
                    if not key.startswith(prefix):
                        break
                    for entry in entries(key, value):
                        if entry[0] <= after:  # of a group that begins before
                            continue
                        found.append(new(Change, entry))
                        bytes_left -= len(entry[1])
                        if len(found) >= rows_max or bytes_left <= 0:
                            return found
        return found

    @reread_async
    async def log_end(self, stream: int, shard: bytes) -> int:
        prefix = log_prefix(stream, shard)
        with self._begin() as txn, txn.cursor() as cursor:
            found = cursor.prev() if cursor.set_range(after_prefix(prefix)) else cursor.last()
            key = cursor.key() if found else b""
        return unpack_id(key[-SEQUENCE_BYTES:]) if key.startswith(prefix) else 0

    @reread_async
    async def usage(self, space: int) -> Usage:
        with self._begin() as txn:
            kept = txn.get(tally_key(space))
        return Usage(0, 0) if kept is None else Usage(*unpack_tally(kept))


def _walk(cursor: lmdb.Cursor[Taken], start: bytes, end: bytes, forward: bool) -> Iterator[tuple[Taken, Taken]]:
    """Rows from `start` on, or backward from the last one before `end`; it goes on beyond the other edge."""
    if forward:
        return cursor.iternext(True, True) if cursor.set_range(start) else iter(())
    found = cursor.prev() if cursor.set_range(end) else cursor.last()
    return cursor.iterprev(True, True) if found else iter(())


def _page(walk: Iterator[tuple[bytes, bytes]], end: bytes, budget: PageBudget) -> Page:
    """Rows of any partitions, as they come, up to before `end`."""
    bodies: list[bytes] = []
    places: list[Place] = []
    rows_max, bytes_left = budget
    stop = Stop.EXHAUSTED
    for key, value in walk:
        if key >= end:
            break
        body_start = HEAD_BYTES + unpack_head(value)[1]
        bodies.append(value[body_start:])
        places.append((value[HEAD_BYTES:body_start], key[PREFIX_BYTES:]))
        bytes_left -= len(key) + len(value) - ROW_OVERHEAD_BYTES
        if len(bodies) >= rows_max:
            stop = Stop.ROWS
            break
        if bytes_left <= 0:
            stop = Stop.BYTES
            break
    return Page(bodies, stop, budget[1] - bytes_left, places.__getitem__)


def _heads_page(
    walk: Iterator[tuple[memoryview, memoryview]], start: bytes, end: bytes, budget: PageBudget, head: int
) -> Page:
    """The same of views, both ways, with `head` bytes of each body. One function for both would take half as long again
    for what is no view."""
    bodies: list[bytes] = []
    places: list[Place] = []
    rows_max, bytes_left = budget
    stop = Stop.EXHAUSTED
    for view, value in walk:
        key = bytes(view)
        if not start <= key < end:
            break
        body_start = HEAD_BYTES + unpack_head(value)[1]
        bodies.append(bytes(value[body_start : body_start + head]))
        places.append((bytes(value[HEAD_BYTES:body_start]), key[PREFIX_BYTES:]))
        bytes_left -= len(key) + len(value) - ROW_OVERHEAD_BYTES
        if len(bodies) >= rows_max:
            stop = Stop.ROWS
            break
        if bytes_left <= 0:
            stop = Stop.BYTES
            break
    return Page(bodies, stop, budget[1] - bytes_left, places.__getitem__)


def _within(pairs: list[tuple[bytes, bytes]], bytes_max: int) -> tuple[list[tuple[bytes, bytes]], int]:
    """The first rows, up to and with the one that reaches `bytes_max`, and their bytes."""
    total = 0
    for count, (key, value) in enumerate(pairs, 1):
        total += len(key) + len(value) - ROW_OVERHEAD_BYTES
        if total >= bytes_max:
            return pairs[:count], total
    return pairs, total
