"""Deletes rows whose time is over, of a space that is walked through chunk by chunk."""

import asyncio
from collections.abc import Callable, Sequence

from statordb.engine.contract import Conflict, Effects, Engine, Key, PageBudget, Place, Refused, Stop, Stored

AT_ONCE_MAX = 32

_CHUNK = PageBudget(rows_max=200, bytes_max=1 << 20)


async def forget_chunk(
    engine: Engine, space: int, is_over: Callable[[bytes], bool], after: Place | None
) -> Place | None:
    """Delete what is over, by its bodies, in one chunk of a space. Returns where the next begins; None at the end."""
    page = await engine.scan(space, 0, 1, _CHUNK, after)
    await forget(engine, [Key(space, row.partition, row.sort) for row in page.rows if is_over(row.body)], is_over)
    return None if page.stop is Stop.EXHAUSTED else page.last


async def forget(engine: Engine, keys: Sequence[Key], is_over: Callable[[bytes], bool]) -> None:
    """Delete those rows that are still over. Each by itself: nothing asks for more, and so no update reaches over many
    partitions."""

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
