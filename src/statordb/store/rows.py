"""Reading on, page by page, for those who want every row."""

import asyncio
from collections.abc import AsyncIterator

from statordb.engine.contract import Bounds, Engine, PageBudget, Place, Row, Stop

PAGE = PageBudget(rows_max=250, bytes_max=1 << 20)  # read, and parsed, before others get their turn


async def rows(
    engine: Engine,
    space: int,
    partition: bytes,
    bounds: Bounds = Bounds(),  # noqa: B008  # a constant
    after: bytes | None = None,
    budget: PageBudget = PAGE,
    forward: bool = True,
) -> AsyncIterator[Row]:
    """The rows of a partition in sort order, or against it, behind `after`. `budget`: of what is read at once."""
    while True:
        page = await engine.range(space, partition, bounds, forward, budget, after)
        for row in page.rows:
            yield row
        if page.stop is Stop.EXHAUSTED:
            return
        await asyncio.sleep(0)
        after = page.last[1]


async def all_rows(engine: Engine, space: int, budget: PageBudget = PAGE) -> AsyncIterator[Row]:
    """The rows of a space, in hash order."""
    after: Place | None = None
    while True:
        page = await engine.scan(space, 0, 1, budget, after)
        for row in page.rows:
            yield row
        if page.stop is Stop.EXHAUSTED:
            return
        await asyncio.sleep(0)
        after = page.last
