"""Many small pieces of a duty's work: a few in a round of the event loop, which may be that of a worker too."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

BEGUN_AT_ONCE = 4  # updates of small items, each of which takes some 0.2 ms
ROUNDS_BETWEEN = 3  # a write takes several from its request to its answer, and would else wait for a piece in each

T = TypeVar("T")


async def in_rounds(pieces: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Their outcomes, in order. They run side by side, but what each does before it first waits is spread."""
    tasks: list[asyncio.Task[T]] = []
    try:
        for piece in pieces:
            tasks.append(asyncio.create_task(piece))
            if len(tasks) % BEGUN_AT_ONCE == 0:
                for _ in range(ROUNDS_BETWEEN):
                    await asyncio.sleep(0)
    except BaseException:
        for task in tasks:
            task.cancel()
        raise
    return await asyncio.gather(*tasks)
