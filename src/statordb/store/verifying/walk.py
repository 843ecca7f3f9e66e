"""Every row of a space, and every entry of a log's shard, those that can't be opened too."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, TypeVar

from statordb.crypto.rows import UnknownKey
from statordb.crypto.sealer import Unsealable
from statordb.engine.contract import Change, Engine, Key, Place, Row, Stop
from statordb.store.rows import PAGE, all_rows
from statordb.store.sealed import bodies
from statordb.store.sealed.engine import SealedEngine

Found = TypeVar("Found")
TOGETHER = 50  # rows that are looked up in one go


class Damaged(NamedTuple):
    """A row, or an entry, that can't be opened."""

    partition: bytes  # its hash; of an entry the shard
    sort: bytes
    why: str


async def walk(engine: Engine, space: int) -> AsyncIterator[Row | Damaged]:
    """The rows of a space in hash order. Raises ClientError where a key of KMS can't be used."""
    if not isinstance(engine, SealedEngine):
        async for row in all_rows(engine, space):
            yield row
        return
    after: Place | None = None
    while True:
        page = await engine.under.scan(space, 0, 1, PAGE, after)
        for index, sealed in enumerate(page.bodies):
            yield await _row(engine, space, page.place(index), sealed)
        if page.stop is Stop.EXHAUSTED:
            return
        await asyncio.sleep(0)
        after = page.last


async def _row(engine: SealedEngine, space: int, place: Place, sealed: bytes) -> Row | Damaged:
    hidden, sort = place
    name = bodies.pack_space(space) + hidden + sort
    try:
        body, partition = await _known(engine, lambda: bodies.opened(engine.ring.sealer, name, sealed, 0))
    except Unsealable as fault:
        return Damaged(hidden, sort, str(fault))
    return Row(partition, sort, body)


async def walk_log(engine: Engine, space: int, shard: str, after: int) -> AsyncIterator[Change | Damaged]:
    """The entries of a shard with sequence numbers above `after`, in order."""
    name = shard.encode()
    under = engine.under if isinstance(engine, SealedEngine) else engine
    while page := await under.log(space, name, after, PAGE):
        for change in page:
            after = change.sequence
            if isinstance(engine, SealedEngine):
                yield await _change(engine, space, name, change)
            else:
                yield change
        await asyncio.sleep(0)


async def _change(engine: SealedEngine, space: int, shard: bytes, change: Change) -> Change | Damaged:
    sealer = engine.ring.sealer
    try:
        body = await _known(engine, lambda: bodies.opened_change(sealer, space, shard, change.body))
    except Unsealable as fault:
        return Damaged(shard, change.sequence.to_bytes(8, "big"), str(fault))
    return Change(change.sequence, body)


async def _known(engine: SealedEngine, work: Callable[[], Found]) -> Found:
    """What opens rows, again while there is a data key to be looked up. Raises Unsealable, ClientError."""
    while True:
        try:
            return work()
        except UnknownKey as unknown:
            await engine.ring.learn(unknown.id)


async def looked_up(engine: Engine, keys: list[Key], snapshot: bool = False) -> dict[Key, bytes | None]:
    """The bodies of rows; those that can't be opened are left out, as who walks over them tells of these. Raises
    Conflict."""
    try:
        rows = await engine.read(keys, snapshot=snapshot)
    except Unsealable:
        return await _one_by_one(engine, keys)
    return {key: None if row is None else row.body for key, row in zip(keys, rows, strict=True)}


async def _one_by_one(engine: Engine, keys: list[Key]) -> dict[Key, bytes | None]:
    found: dict[Key, bytes | None] = {}
    for key in keys:
        try:
            row = await engine.get(key)
        except Unsealable:
            continue
        found[key] = None if row is None else row.body
    return found
