"""Pages for Query and Scan: rows until the limit, one megabyte, or the end.

A page stops after the row that reaches the limit or 1 MB of item sizes, as DynamoDB's does (developer guide,
"Paginating table query results"), so it holds at least one row if there is any.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from statordb.engine.contract import Budget, Page, Place, Stop
from statordb.model.limits import PAGE_BYTES_MAX
from statordb.store import codec

CHUNK_ROWS_MAX = 256  # rows read before other requests get their turn
CHUNK_BYTES_MAX = 256 * 1024

Fetch = Callable[[Place | None, Budget], Awaitable[Page]]


class Slice(NamedTuple):
    """Stored bodies of the rows read, and whether the reader has to go on behind the last one."""

    bodies: list[bytes]
    more: bool

    @property
    def size(self) -> int:
        """Size of the rows by DynamoDB's rules."""
        return sum(map(codec.size, self.bodies))


async def read_slice(fetch: Fetch, after: Place | None, limit: int | None) -> Slice:
    """One page's rows, in chunks, so that a long page does not hold up others."""
    bodies: list[bytes] = []
    stored_bytes = 0
    while True:
        left = CHUNK_ROWS_MAX if limit is None else min(CHUNK_ROWS_MAX, limit - len(bodies))
        page = await fetch(after, Budget(left, CHUNK_BYTES_MAX))
        bodies = bodies + page.bodies if bodies else page.bodies
        stored_bytes += page.bytes
        if stored_bytes >= PAGE_BYTES_MAX:  # JSON is longer than what DynamoDB counts, so nothing is too long before
            fitting = _fitting(bodies)
            if fitting is not None:
                return Slice(bodies[:fitting], True)
        if limit is not None and len(bodies) >= limit:
            return Slice(bodies, True)
        if page.stop is Stop.EXHAUSTED:
            return Slice(bodies, False)
        after = page.last
        await asyncio.sleep(0)


def _fitting(bodies: list[bytes]) -> int | None:
    """How many rows make up a page of 1 MB; None if they are fewer."""
    size = 0
    for count, body in enumerate(bodies, 1):
        size += codec.size(body)
        if size >= PAGE_BYTES_MAX:
            return count
    return None
