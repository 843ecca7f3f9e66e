"""What tests of objects share: bytes to write, and what was read as bytes."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Coroutine
from typing import Any, TypeVar

from statordb.objects.contract import Bucket

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def chunks(*given: bytes) -> AsyncIterator[bytes]:
    for chunk in given:
        yield chunk


class Turns:
    """How often others on the event loop had a turn, at each `note`."""

    def __init__(self) -> None:
        self._turns = 0
        self.noted: list[int] = []
        asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._turns += 1
        asyncio.get_running_loop().call_soon(self._turn)

    def note(self) -> None:
        self.noted.append(self._turns)

    @property
    def were_had(self) -> bool:
        """Whether there was one between any two notes."""
        return len(self.noted) > 1 and len(set(self.noted)) == len(self.noted)


async def whole(found: AsyncIterable[bytes]) -> bytes:
    return b"".join([chunk async for chunk in found])


async def put(bucket: Bucket, *names: str) -> None:
    """Objects that have their names as content."""
    for name in names:
        await bucket.put(name, chunks(name.encode()))


async def names(bucket: Bucket, prefix: str = "", after: str = "", limit: int = 1000) -> list[str]:
    return [entry.name for entry in await bucket.list(prefix, after, limit)]
