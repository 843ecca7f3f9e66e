"""The server that is measured without sealing: a wrapper that sealed after all would make sealing look free."""

import asyncio
from pathlib import Path

from tests.engine.sealed import roots_in

from statordb.engine.contract import Bounds, Effects, Key, PageBudget
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.store.sealed.keyring import Keyring
from unsealed import Unsealed

KEY = Key(1000, b"partition", b"sort")
BODY = b"\x01\x00\x00\x00\x09" + b'{"p":1}'


def test_rows_are_kept_as_they_are_and_read_by_every_way(directory: Path) -> None:
    async def history() -> None:
        under = LmdbEngine.open(directory, durable=False)
        engine = Unsealed(under, await Keyring.open(under, roots_in(directory)))
        await engine.update((KEY,), lambda stored: Effects(writes=((KEY, BODY),)))
        kept = await under.get(KEY)
        assert kept is not None
        assert kept.body == BODY
        assert await engine.get(KEY) == kept
        assert await engine.read([KEY]) == [kept]
        ample = PageBudget(10, 1000)
        assert (await engine.range(KEY.space, KEY.partition, Bounds(), True, ample)).bodies == [BODY]
        assert (await engine.scan(KEY.space, 0, 1, ample)).bodies == [BODY]
        assert engine.here is under.here
        await engine.close()

    asyncio.run(history())
