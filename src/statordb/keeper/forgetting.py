"""Deletes rows whose time is over."""

import asyncio
from collections.abc import Callable, Sequence

from statordb.engine.contract import Conflict, Effects, Engine, Key, Refused, Stored

AT_ONCE_MAX = 32


async def forget(engine: Engine, keys: Sequence[Key], is_over: Callable[[bytes], bool]) -> None:
    """Delete those rows that are still over, by their bodies. Each by itself: nothing asks for more, and so no update
    reaches over many partitions."""

    async def forget_one(key: Key) -> None:
        def plan(stored: list[Stored | None]) -> Effects | Refused:
            row = stored[0]
            if row is None or not is_over(row.body):
                return Refused(None)
            return Effects(writes=((key, None),))

        try:
            await engine.update((key,), plan)
        except Conflict:  # it is being used again
            return

    for start in range(0, len(keys), AT_ONCE_MAX):
        await asyncio.gather(*map(forget_one, keys[start : start + AT_ONCE_MAX]))
