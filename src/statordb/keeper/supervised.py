"""Works that wait for others, such as S3: they go on beside the duties of a keeper, which need not wait with them."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from typing import Any

WAIT_SECONDS = 0.02  # before other works and duties have their turn


async def supervised(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Have it done by a task, which ends with this. Raises what it does."""
    doing = asyncio.create_task(work)
    try:
        while not doing.done():
            await asyncio.wait([doing], timeout=WAIT_SECONDS)
            yield
        await doing
    finally:
        doing.cancel()
        with suppress(BaseException):
            await doing
