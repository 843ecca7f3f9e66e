"""Rows whose time is over are deleted one by one."""

import asyncio
from pathlib import Path

from tests.store.engines import Held

from statordb.engine.contract import Effects, Key
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.store.forgetting import AT_ONCE_MAX, forget


def test_what_is_over_goes_but_what_changed_or_is_held(directory: Path) -> None:
    async def run() -> None:
        engine = Held(LmdbEngine.open(directory, durable=False))
        keys = [Key(1, b"%d" % number, b"") for number in range(2 * AT_ONCE_MAX + 3)]
        for key in keys:
            body = b"young" if key.partition == b"7" else b"old"
            await engine.update((key,), lambda stored, key=key, body=body: Effects(writes=((key, body),)))  # type: ignore[misc]
        engine.hold(keys[40])
        await forget(engine.as_engine(), [*keys, Key(1, b"never there", b"")], lambda body: body == b"old")
        left = [key for key in keys if await engine.get(key) is not None]
        assert left == [keys[7], keys[40]]
        await engine.close()

    asyncio.run(run())
