"""A store on an engine in memory, with a clock that stands until it is moved, in one event loop."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from statordb.engine.contract import Bounds, Key, PageBudget, Refused, Row, Use
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.model.clock import ManualClock
from statordb.model.values import Item, check_item
from statordb.store.image import Image
from statordb.store.records import IndexRecord, TableRecord
from statordb.store.store import Store
from statordb.store.table import Table, Written

ACCOUNT, REGION = "000000000000", "us-east-1"
AMPLE = PageBudget(100_000, 1 << 30)

Result = TypeVar("Result")


class Kit:
    """A store, and short words for what the tests do with it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.engine = LmdbEngine.open(directory, durable=False)
        self.store = Store(self.engine, self.clock)
        self.catalog = self.store.catalog

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.loop.run_until_complete(work)

    def space(self, use: Use = Use.ROWS) -> int:
        return self.run(self.engine.create_space(use))

    def record(self, name: str = "abc", definitions: str = "pS cN", **changes: Any) -> TableRecord:
        """A table's record: `definitions` are names and types of attributes, first those of the key."""
        words = definitions.split()
        given: dict[str, Any] = {
            "account": ACCOUNT,
            "region": REGION,
            "name": name,
            "id": "0e3f3ff7-0000-4000-8000-000000000000",
            "space": self.space(),
            "created_at": self.clock.now(),
            "definitions": [{"AttributeName": word[:-1], "AttributeType": word[-1]} for word in words],
            "key_schema": [
                {"AttributeName": word[:-1], "KeyType": kind}
                for word, kind in zip(words, ("HASH", "RANGE"), strict=False)
            ],
            "status": "ACTIVE",
            "settles_at": 0.0,
        }
        return TableRecord(**{**given, **changes})

    def index(self, name: str, hashes: str, ranges: str = "", local: bool = False, **changes: Any) -> IndexRecord:
        key_schema = [{"AttributeName": each, "KeyType": "HASH"} for each in hashes.split()]
        key_schema += [{"AttributeName": each, "KeyType": "RANGE"} for each in ranges.split()]
        given = {"projection": {"ProjectionType": "ALL"}, **changes}
        return IndexRecord(name, local, self.space(Use.ROWS if local else Use.DERIVED), key_schema, **given)

    def put_record(self, record: TableRecord) -> None:
        changed = self.run(self.catalog.change(record.account, record.region, record.name, lambda old: record))
        assert changed is record

    def find(self, name: str = "abc") -> Table:
        table = self.run(self.catalog.find(ACCOUNT, REGION, name))
        assert table is not None
        return table

    def made(self, record: TableRecord) -> Table:
        self.put_record(record)
        return self.find(record.name)

    def put(self, table: Table, item: Item) -> Written:
        image = Image.of(item, check_item(item))
        written = self.run(table.write(table.primary.key(item), lambda old: image))
        assert not isinstance(written, Refused)
        return written

    def delete(self, table: Table, key: Item) -> Written:
        written = self.run(table.write(table.primary.key(key), lambda old: None))
        assert not isinstance(written, Refused)
        return written

    def rows(self, space: int) -> list[Row]:
        return self.run(self.engine.scan(space, 0, 1, AMPLE)).rows

    def range(self, space: int, partition: bytes) -> list[Row]:
        return self.run(self.engine.range(space, partition, Bounds(), True, AMPLE)).rows

    def body(self, key: Key) -> bytes | None:
        stored = self.run(self.engine.read((key,)))[0]
        return None if stored is None else stored.body

    def close(self) -> None:
        self.run(self.store.close())
        self.loop.close()
