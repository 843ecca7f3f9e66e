"""Pages for Query and Scan: rows until the limit, one megabyte, or the end.

A page stops after the row that reaches the limit or 1 MB of item sizes, as DynamoDB's does (developer guide,
"Paginating table query results"), so it holds at least one row if there is any.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from statordb.engine.contract import Budget, Page, Row, Stop
from statordb.model.limits import PAGE_BYTES_MAX
from statordb.store.codec import HEADER_BYTES

CHUNK_ROWS_MAX = 256  # rows read before other requests get their turn
CHUNK_BYTES_MAX = 256 * 1024

from_bytes = int.from_bytes  # of a row's size, as codec.size

Position = tuple[bytes, bytes]
Fetch = Callable[[Position | None, Budget], Awaitable[Page]]


class Slice(NamedTuple):
    """Rows read, their size by DynamoDB's rules, and whether the reader has to go on behind the last one."""

    rows: list[Row]
    size: int
    more: bool


async def read_slice(fetch: Fetch, after: Position | None, limit: int | None) -> Slice:
    """One page's rows, in chunks, so that a long page does not hold up others."""
    rows: list[Row] = []
    size = 0
    while True:
        left = CHUNK_ROWS_MAX if limit is None else min(CHUNK_ROWS_MAX, limit - len(rows))
        found, stop = await fetch(after, Budget(left, CHUNK_BYTES_MAX))
        sizes = [from_bytes(row[2][1:HEADER_BYTES], "big") for row in found]
        total = sum(sizes)
        if size + total < PAGE_BYTES_MAX:
            size += total
            rows = rows + found if rows else found
        else:
            for row, row_size in zip(found, sizes, strict=True):
                rows.append(row)
                size += row_size
                if size >= PAGE_BYTES_MAX:
                    return Slice(rows, size, True)
        if limit is not None and len(rows) >= limit:
            return Slice(rows, size, True)
        if stop is Stop.EXHAUSTED:
            return Slice(rows, size, False)
        last = found[-1]
        after = (last.partition, last.sort)
        await asyncio.sleep(0)
