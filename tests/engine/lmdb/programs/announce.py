"""Open the store in directory argv[1]; for each line of input announce an update, then answer with the epoch."""

import asyncio
import sys
from pathlib import Path

from statordb.engine.contract import Effects, Key
from statordb.engine.lmdb import LmdbEngine

KEY = Key(1, b"announced", b"")


async def main(directory: Path) -> None:
    engine = LmdbEngine.open(directory)
    print(engine.epoch(), flush=True)
    for _ in sys.stdin:
        await engine.update([KEY], lambda stored: Effects([(KEY, b"x")], announce=True))
        print(engine.epoch(), flush=True)
    await engine.close()


asyncio.run(main(Path(sys.argv[1])))
