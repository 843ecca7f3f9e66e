"""Open the store in directory argv[1] and write for ever, telling each acknowledged write as a line `slot number`.

Each write puts its number into two rows of one slot and moves the slot's one index row there.
"""

import asyncio
import itertools
import os
import sys
from pathlib import Path

from statordb.engine.contract import Effects, Key, Stored
from statordb.engine.lmdb import LmdbEngine

TABLE, INDEX = 1, 2
SLOTS = 8


def moving(left: Key, right: Key, slot: bytes, number: bytes) -> Effects:
    return Effects(
        [(left, number), (right, number)], derived=[(Key(INDEX, b"by number", number + b"/" + slot), slot, left)]
    )


async def main(directory: Path) -> None:
    engine = LmdbEngine.open(directory)

    async def client(slot: bytes) -> None:
        left, right = Key(TABLE, b"left", slot), Key(TABLE, b"right", slot)
        (row,) = await engine.read([left])
        for i in itertools.count(1 if row is None else int(row.body) + 1):
            number = b"%08d" % i

            def plan(stored: list[Stored | None], number: bytes = number) -> Effects:
                effects = moving(left, right, slot, number)
                if stored[0] is not None:
                    old = Key(INDEX, b"by number", stored[0].body + b"/" + slot)
                    effects.derived = [(old, None, left), *effects.derived]
                return effects

            await engine.update([left, right], plan)
            os.write(1, b"%s %s\n" % (slot, number))

    await asyncio.gather(*(client(b"%d" % slot) for slot in range(SLOTS)))


asyncio.run(main(Path(sys.argv[1])))
