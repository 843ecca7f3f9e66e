"""Reads: each in one short read transaction, in the calling thread. Nothing here waits or suspends."""

from __future__ import annotations  # lmdb's types take their parameter in annotations only

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NoReturn, TypeVar

import lmdb

from statordb.engine.contract import (
    BYTES,
    EXHAUSTED,
    ROWS,
    Bounds,
    ByName,
    Change,
    EngineClosed,
    Heads,
    Here,
    Key,
    Page,
    PageBudget,
    Place,
    Stored,
    Usage,
)
from statordb.engine.lmdb.keys import (
    HASH_BYTES,
    HEAD_BYTES,
    NAME_AT,
    PREFIX_BYTES,
    ROW_OVERHEAD_BYTES,
    SPACE_BYTES,
    SPREAD,
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
from statordb.engine.lmdb.logs import read_log, read_log_end
from statordb.engine.lmdb.rows import decode, new, read_cut

NAMED_BODY_AT = HEAD_BYTES + HASH_BYTES  # in the value of a row whose partition is a hash already
Taken = TypeVar("Taken", bytes, memoryview)


def closed(*_: object, **__: object) -> NoReturn:
    """Stands in for `Environment.begin` once the engine is closed, so that an open one checks nothing."""
    raise EngineClosed("the engine is closed")


class Reader:
    """The reading half of the engine. See `contract.Engine` for what each call means."""

    def __init__(self, env: lmdb.Environment, digest: Digest) -> None:
        self._begin: Callable[[], lmdb.Transaction[bytes]] = env.begin
        self._begin_views: Callable[[], lmdb.Transaction[memoryview]] = lambda: env.begin(buffers=True)
        self._digest = digest
        self._names = digest is SPREAD  # keys are what pages have for names then

    @property
    def here(self) -> Here:
        return self

    @property
    def by_name(self) -> ByName | None:
        return ByName(self._value, self._values, NAMED_BODY_AT) if self._names else None

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

    def head(self, space: int, partition: bytes, sort: bytes, size: int) -> bytes | None:
        body = self.body(space, partition, sort)
        return None if body is None else body[:size]

    def _value(self, row: bytes) -> bytes | None:
        try:
            return self._begin().get(row)  # the transaction ends with its object: `with` costs half a read more
        except lmdb.CorruptedError:
            return self._value_again(row)

    @reread
    def _value_again(self, row: bytes) -> bytes | None:
        with self._begin() as txn:
            return txn.get(row)

    @reread
    def _values(self, rows: Sequence[bytes]) -> list[bytes | None]:
        return list(map(self._begin().get, rows))

    def bodies(self, keys: Sequence[Key]) -> list[bytes | None]:
        digest = self._digest
        values = self._values([pack_id(space) + digest(partition) + sort for space, partition, sort in keys])
        return [
            None if value is None else decode(key, value)[0]
            for key, value in zip(keys, values)  # noqa: B905  # of one length
        ]

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
            return self._rows_between(start, end, partition, forward, budget, skip)
        except lmdb.CorruptedError:
            return reread(self._rows_between)(start, end, partition, forward, budget, skip)

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

    def _rows_between(
        self, start: bytes, end: bytes, partition: bytes, forward: bool, budget: PageBudget, skip: int
    ) -> Page:
        cursor = self._begin().cursor()  # which keeps its transaction; both end with it
        return _rows_of(cursor, self._names, start, end, partition, forward, budget, skip)

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
            return _page(_walk(cursor, start, end, True), end, budget, self._names)

    def _heads(self, start: bytes, end: bytes, forward: bool, budget: PageBudget, head: int) -> Page:
        """A page that has only so many bytes of each body: the rest is not even copied out of the store."""
        with self._begin_views() as txn, txn.cursor() as cursor:
            return _heads_page(_walk(cursor, start, end, forward), start, end, budget, head)

    @reread_async
    async def log(self, stream: int, shard: bytes, after: int, budget: PageBudget) -> list[Change]:
        with self._begin() as txn:
            return read_log(txn, log_prefix(stream, shard), after, budget)

    @reread_async
    async def log_end(self, stream: int, shard: bytes) -> int:
        with self._begin() as txn:
            return read_log_end(txn, log_prefix(stream, shard))

    @reread_async
    async def usage(self, space: int) -> Usage:
        with self._begin() as txn:
            kept = txn.get(tally_key(space))
        return Usage(0, 0) if kept is None else Usage(*unpack_tally(kept))


def _walk(cursor: lmdb.Cursor[Taken], start: bytes, end: bytes, forward: bool) -> Iterator[tuple[Taken, Taken]]:
    """Rows from `start` on, or backward from the last one before `end`; it goes on beyond the other edge."""
    if not _seek(cursor, start, end, forward):
        return iter(())
    return cursor.iternext(True, True) if forward else cursor.iterprev(True, True)


def _walk_keys(cursor: lmdb.Cursor[bytes], start: bytes, end: bytes, forward: bool) -> Iterator[bytes]:
    """Their keys, at each of which the cursor has the value."""
    if not _seek(cursor, start, end, forward):
        return iter(())
    return cursor.iternext(True, False) if forward else cursor.iterprev(True, False)


def _seek(cursor: lmdb.Cursor[Taken], start: bytes, end: bytes, forward: bool) -> bool:
    if forward:
        return cursor.set_range(start)
    return cursor.prev() if cursor.set_range(end) else cursor.last()


def _rows_of(
    cursor: lmdb.Cursor[bytes],
    is_named: bool,
    start: bytes,
    end: bytes,
    partition: bytes,
    forward: bool,
    budget: PageBudget,
    skip: int,
) -> Page:
    """Rows of one partition. What lies behind it is not even copied out of the store."""
    rows_max, bytes_left = budget
    # Where keys have whole partitions, what lies between the edges is this one's.
    named = None if is_named else pack_length(len(partition)) + partition
    name_end = HEAD_BYTES + len(partition)
    keys: list[bytes] = []
    values: list[bytes] = []
    stop = EXHAUSTED
    value_of = cursor.value
    for key in islice(_walk_keys(cursor, start, end, forward), rows_max):
        if key >= end if forward else key < start:
            break
        value = value_of()
        if named is not None and value[NAME_AT:name_end] != named:
            raise collision(unpack_id(key[:SPACE_BYTES]), partition, value)
        keys.append(key)
        values.append(value)
        bytes_left -= len(key) + len(value) - ROW_OVERHEAD_BYTES
        if bytes_left <= 0:
            stop = BYTES
            break
    else:
        if len(keys) == rows_max:
            stop = ROWS
    names = keys if is_named else None
    body = slice(name_end + skip, None)
    bodies = [value[body] for value in values]
    head = slice(name_end, name_end + skip)
    heads = [value[head] for value in values] if skip else None
    size = budget[1] - bytes_left
    return Page(bodies, stop, size, lambda index: (partition, keys[index][PREFIX_BYTES:]), names, heads)


def _page(walk: Iterator[tuple[bytes, bytes]], end: bytes, budget: PageBudget, named: bool) -> Page:
    """Rows of any partitions, as they come, up to before `end`."""
    bodies: list[bytes] = []
    places: list[Place] = []
    keys: list[bytes] = []
    rows_max, bytes_left = budget
    stop = EXHAUSTED
    for key, value in walk:
        if key >= end:
            break
        keys.append(key)
        if named:
            bodies.append(value[NAMED_BODY_AT:])
        else:
            body_start = HEAD_BYTES + unpack_head(value)[1]
            bodies.append(value[body_start:])
            places.append((value[HEAD_BYTES:body_start], key[PREFIX_BYTES:]))
        bytes_left -= len(key) + len(value) - ROW_OVERHEAD_BYTES
        if len(bodies) >= rows_max:
            stop = ROWS
            break
        if bytes_left <= 0:
            stop = BYTES
            break
    size = budget[1] - bytes_left
    if not named:
        return Page(bodies, stop, size, places.__getitem__)
    return Page(bodies, stop, size, lambda at: (keys[at][SPACE_BYTES:PREFIX_BYTES], keys[at][PREFIX_BYTES:]), keys)


def _heads_page(
    walk: Iterator[tuple[memoryview, memoryview]], start: bytes, end: bytes, budget: PageBudget, head: int
) -> Page:
    """The same of views, both ways, with `head` bytes of each body. One function for both would take half as long again
    for what is no view."""
    bodies: list[bytes] = []
    places: list[Place] = []
    rows_max, bytes_left = budget
    stop = EXHAUSTED
    for view, value in walk:
        key = bytes(view)
        if not start <= key < end:
            break
        body_start = HEAD_BYTES + unpack_head(value)[1]
        bodies.append(bytes(value[body_start : body_start + head]))
        places.append((bytes(value[HEAD_BYTES:body_start]), key[PREFIX_BYTES:]))
        bytes_left -= len(key) + len(value) - ROW_OVERHEAD_BYTES
        if len(bodies) >= rows_max:
            stop = ROWS
            break
        if bytes_left <= 0:
            stop = BYTES
            break
    return Page(bodies, stop, budget[1] - bytes_left, places.__getitem__)
