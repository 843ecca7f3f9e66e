"""Open the store in directory argv[1], hand in argv[2] updates, and keep the event loop and the interpreter busy.

A line is told when that begins; it ends with a line of input. Then the updates must have been made.
"""

import asyncio
import select
import sys
from pathlib import Path

from statordb.engine.contract import Effects, Key, Stored
from statordb.engine.lmdb import LmdbEngine


def putting(key: Key) -> "asyncio.Future[object]":
    def plan(stored: list[Stored | None]) -> Effects:
        return Effects([(key, b"x")])

    return asyncio.ensure_future(engine.update([key], plan))


async def main(count: int) -> None:
    updates = [putting(Key(1, b"busy %d" % i, b"")) for i in range(count)]
    for _ in range(2):  # they are handed in, then the writer is woken
        await asyncio.sleep(0)
    print("busy", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        sum(range(1000))
    await asyncio.gather(*updates)
    await engine.close()


engine = LmdbEngine.open(Path(sys.argv[1]), durable=False)
asyncio.run(main(int(sys.argv[2])))
