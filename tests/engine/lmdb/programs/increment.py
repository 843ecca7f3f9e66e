"""Open the store in directory argv[1] and have four tasks increment one counter, argv[2] times each."""

import asyncio
import sys
from pathlib import Path

from statordb.engine.contract import Effects, Key, Stored
from statordb.engine.lmdb import LmdbEngine

COUNTER = Key(1, b"counter", b"")
LOG = 1


def increment(stored: list[Stored | None]) -> Effects:
    total = b"%d" % (1 + (0 if stored[0] is None else int(stored[0].body)))
    return Effects([(COUNTER, total)], changes=[(LOG, b"", total)], tallies=[(LOG, 1, 10)])


async def main(directory: Path, times: int) -> None:
    engine = LmdbEngine.open(directory)

    async def client() -> None:
        for _ in range(times):
            await engine.update([COUNTER], increment)

    await asyncio.gather(*(client() for _ in range(4)))
    await engine.close()


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
