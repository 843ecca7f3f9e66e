"""Open the store in directory argv[1]; for each line of input do what it says, then answer with one line.

create NAME | delete NAME | find NAME (its billing mode, or none) | put NAME | bill NAME MODE
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from statordb.engine.contract import Refused
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.model.clock import ManualClock
from statordb.store.image import Image
from statordb.store.records import TableRecord
from statordb.store.store import Store

SCOPE = ("000000000000", "us-east-1")


async def create(store: Store, name: str) -> str:
    record = TableRecord(
        *SCOPE, name, "id", await store.engine.create_space(), 0.0,
        [{"AttributeName": "p", "AttributeType": "S"}], [{"AttributeName": "p", "KeyType": "HASH"}], "ACTIVE", 0.0,
    )  # fmt: skip
    await store.catalog.change(*SCOPE, name, lambda old: record)
    return "created"


async def bill(store: Store, name: str, mode: str) -> str:
    def change(old: TableRecord | None) -> TableRecord | Refused:
        return Refused(None) if old is None else replace(old, billing_mode=mode)

    await store.catalog.change(*SCOPE, name, change)
    return "billed"


async def delete(store: Store, name: str) -> str:
    await store.catalog.change(*SCOPE, name, lambda old: None)
    return "deleted"


async def find(store: Store, name: str) -> str:
    table = await store.catalog.find(*SCOPE, name)
    return "none" if table is None else table.record.billing_mode


async def put(store: Store, name: str) -> str:
    """Write by the table as this process knows it."""
    table = await store.catalog.find(*SCOPE, name)
    assert table is not None
    item = {"p": {"S": "other"}}
    await table.write(table.primary.key(item), lambda old: Image.of(item, 6))
    return "put"


WORDS: dict[str, Callable[..., Awaitable[str]]] = {
    "create": create,
    "delete": delete,
    "find": find,
    "put": put,
    "bill": bill,
}


async def main(directory: Path) -> None:
    store = Store(LmdbEngine.open(directory, durable=False), ManualClock())
    for line in sys.stdin:
        word, *arguments = line.split()
        print(await WORDS[word](store, *arguments), flush=True)
    await store.close()


asyncio.run(main(Path(sys.argv[1])))
