"""Item collections: all items and local index entries of one partition key value."""

import asyncio

from statordb.engine.contract import Bounds, PageBudget, Stop
from statordb.model.values import Item
from statordb.store import codec
from statordb.store.access import AccessPath
from statordb.store.table import Table

_PAGE = PageBudget(rows_max=1000, bytes_max=1 << 20)
MEASURED_BYTES_MAX = 10 << 30  # the largest size that DynamoDB lets a collection have


async def collection_bytes(table: Table, item: Item) -> int:
    """Size of an item's collection by DynamoDB's rules. Reads the collection: the cost grows with it."""
    total = 0
    paths: list[AccessPath] = [table.primary, *(index for index in table.indexes if index.local)]
    for path in paths:
        partition, after = path.partition(item), None
        while total < MEASURED_BYTES_MAX:
            page = await table.range(path, partition, Bounds(), True, _PAGE, after, consistent=False)
            total += sum(map(codec.size, page.bodies))
            if page.stop is Stop.EXHAUSTED:
                break
            after = page.last[1]
            await asyncio.sleep(0)
    return total
