"""Join the store in directory argv[1] as a lane and add one to a counter; what is to be applied leaves as a line in
hexadecimal digits, and the verdict on it comes as one. The last line is the new number."""

import asyncio
import sys
from pathlib import Path

from statordb.engine.contract import Effects, Key, Stored
from statordb.engine.lmdb import LmdbEngine

COUNTER = Key(1, b"counter", b"")


async def send(prepared: bytes) -> bytes:
    print(prepared.hex(), flush=True)
    return bytes.fromhex(sys.stdin.readline())


def increment(stored: list[Stored | None]) -> Effects:
    total = 1 + (0 if stored[0] is None else int(stored[0].body))
    return Effects([(COUNTER, b"%d" % total)], outcome=total)


async def main(directory: Path) -> None:
    engine = LmdbEngine.open_lane(directory, send, durable=False)
    answer = await engine.update([COUNTER], increment)
    assert isinstance(answer, Effects)
    print(answer.outcome, flush=True)
    await engine.close()


asyncio.run(main(Path(sys.argv[1])))
