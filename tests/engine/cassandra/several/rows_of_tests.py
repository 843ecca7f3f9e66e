"""Rows of several partitions, as tests of transactions make and read them."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence

from tests.engine.cassandra.accounts import (
    BASE_SPACE,
    LOG_SPACE,
    Member,
)
from tests.pace import HANGS_SECONDS

from statordb.engine.cassandra.cql import keys, rows
from statordb.engine.cassandra.cql.session import Session
from statordb.engine.contract import Key, PageBudget

ALL = PageBudget(1000, 1 << 30)


def keys_of(count: int) -> list[Key]:
    chance = secrets.token_bytes(6)
    return [Key(BASE_SPACE, chance + bytes([number]), b"") for number in range(count)]


async def bodies(of: Member, wanted: Sequence[Key]) -> list[bytes | None]:
    return [row and row.body for row in await of.transactions.snapshot(wanted)]


async def until_logged(by: Member, shard: bytes, amounts: Sequence[int]) -> None:
    """Wait until a log has these amounts; other processes' entries are told of a moment late."""
    deadline = time.monotonic() + HANGS_SECONDS
    while True:
        changes = await by.logs.read(LOG_SPACE, shard, 0, ALL)
        if len(changes) >= len(amounts) or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.05)
    assert sorted(int(change.body) for change in changes) == sorted(amounts)


async def single_put(session: Session, of: Member, key: Key, change: Callable[[bytes | None], bytes]) -> bool:
    """What a writer of one partition does; whether it got through."""
    table, partition, kind = keys.place(key)
    read = await session.rows(rows.select(table), partition, kind, key.sort)
    found = rows.found(read)
    statement = rows.put(
        table,
        partition,
        (kind, key.sort),
        change(found.body),
        of.process.clock.next(found.version),
        found.version,
    )
    return await session.conditional([statement]) is None
