"""Calls that block, few at a time, beside the event loop."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from typing import NamedTuple, TypeVar

from statordb.model.daemon_thread import in_daemon_thread
from statordb.objects.contract import CHUNK_BYTES
from statordb.objects.faults import Away

T = TypeVar("T")


class Calls:
    """At most so many at the same time; others wait for an end."""

    def __init__(self, at_once_max: int) -> None:
        self._free = asyncio.Semaphore(at_once_max)

    async def run(self, call: Callable[[], T]) -> T:
        """What it returns or raises. Whoever is cancelled leaves it to itself."""
        async with self._free:
            try:
                called = in_daemon_thread("objects", call)
            except RuntimeError as fault:  # the system gives no more threads
                raise Away("ServiceUnavailable", f"No thread could be started: {fault}.") from None
            return await called


class Range(NamedTuple):
    """Some bytes of an object. `tag`: which object it is; `size`: of all of it."""

    data: bytes
    tag: str
    size: int


async def ranges(
    read: Callable[[int, int, str], Awaitable[Range]], begin: int, end: int | None, range_bytes: int
) -> AsyncGenerator[bytes, None]:
    """An object's bytes, read one range after another, in chunks. Nothing is held open in between, and others on the
    event loop have a turn between two chunks.

    `read(begin, end, tag)` gives fewer bytes only where there are no more; `tag` is that of the range before, or empty.
    """
    at, tag = begin, ""
    while end is None or at < end:
        stop = at + range_bytes if end is None else min(end, at + range_bytes)
        found = await read(at, stop, tag)
        for start in range(0, len(found.data), CHUNK_BYTES):
            yield found.data[start : start + CHUNK_BYTES]
            await asyncio.sleep(0)  # others' turn, whatever is done with it
        at += len(found.data)
        tag = found.tag
        if at >= found.size or not found.data:
            return


async def blocks(chunks: AsyncIterable[bytes], size: int) -> AsyncGenerator[bytes, None]:
    """The same bytes in blocks of one size; the last may be smaller. Nothing of nothing."""
    waiting: list[bytes] = []
    have = 0
    async for chunk in chunks:
        at = 0
        while have + len(chunk) - at >= size:
            upto = at + size - have
            waiting.append(chunk[at:upto])
            yield b"".join(waiting)
            waiting, have, at = [], 0, upto
        if at < len(chunk):
            waiting.append(chunk[at:])
            have += len(chunk) - at
    if waiting:
        yield b"".join(waiting)
