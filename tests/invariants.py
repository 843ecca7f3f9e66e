"""What holds of a store at any time when nobody is at work in it, whatever has happened before."""

from typing import Any

from statordb.engine.contract import Engine, Key
from statordb.store.image import Image
from statordb.store.keyspace import Space
from statordb.store.records import TableRecord
from statordb.store.rows import all_rows
from statordb.store.spaces import named
from statordb.store.store import Store
from statordb.store.table import Table


async def check(store: Store) -> None:
    """Raises AssertionError for what does not hold."""
    await check_spaces(store)
    for record in await store.catalog.all():
        table = await store.catalog.reload(record.account, record.region, record.name)
        if table is not None:
            await check_indexes(store.engine, table)


async def check_spaces(store: Store) -> None:
    """Every space has an owner, and every owner has its spaces."""
    there = set(await store.engine.spaces())
    tables, logs = await store.catalog.all(), await store.logs.all()
    unnamed = there - named(tables, logs)
    assert not unnamed, f"nobody names the spaces {sorted(unnamed)}"
    missing = {space for table in tables for space in _living(table)}.union(*(log.spaces for log in logs))
    missing -= there
    assert not missing, f"records name the spaces {sorted(missing)}, which are gone"
    known = {log.space for log in logs}
    for stream in await store.streams.all():
        assert stream.space in known or stream.disabled_at is not None, f"{stream.arn} has no log"
    async for row in all_rows(store.engine, Space.HOLDS):
        assert int.from_bytes(row.partition, "big") in known, "a hold is kept of a log that is gone"
    for table in tables:
        assert table.log is None or table.log.space in known, f"{table.name} has no log"


def _living(table: TableRecord) -> set[int]:
    """Spaces that a table needs, but those within its own. One that is deleted loses them bit by bit."""
    if table.status == "DELETING":
        return set()
    within = {index.space for index in table.indexes if index.local}
    return set(table.spaces()) - within - set(table.leftover)


async def check_indexes(engine: Engine, table: Table) -> None:
    """Every index that is built has exactly the entries of the items, and every total is what the rows say."""
    images = [Image(row.body) async for row in all_rows(engine, table.space)]
    assert await engine.usage(table.space) == (len(images), sum(image.size for image in images)), table.name
    for index in table.indexes:
        if index.active:
            entries = [entry for image in images if (entry := index.entry(image)) is not None]
            await _check_entries(engine, index.space, {key: entry.body for key, entry in entries}, table.name)
            wanted = (len(entries), sum(entry.size for _, entry in entries))
            assert await engine.usage(index.space) == wanted, (table.name, index.name)
    if table.expiry is not None and table.expiry.record.ready:
        wanted_rows = dict(filter(None, map(table.expiry.entry, images)))
        await _check_entries(engine, table.expiry.space, wanted_rows, table.name)


async def _check_entries(engine: Engine, space: int, wanted: dict[Key, bytes], table: str) -> None:
    found: dict[Any, bytes] = {}
    async for row in all_rows(engine, space):
        found[Key(space, row.partition, row.sort)] = row.body
    assert found == wanted, f"an index of {table} is not what its items say"
