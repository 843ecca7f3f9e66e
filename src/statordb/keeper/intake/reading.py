"""A keeper's side of the process that reads objects: it is given bytes as fast as it takes them, and what it finds is
handed on as it comes."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import NamedTuple

from statordb.keeper.intake import frames
from statordb.keeper.intake.frames import DATA, END, LENGTH, OBJECT, Found, Order, framed
from statordb.objects.faults import BadName, Damaged, NoSuchObject

COMMAND = (sys.executable, "-m", "statordb.keeper.intake.process")
_READ_BYTES = 256 << 10
SPOILED = (BadName, Damaged, NoSuchObject)  # faults of one object, beside which others can be read

Get = Callable[[str], AsyncGenerator[bytes, None]]
"""The bytes of an object."""


class ReaderDied(Exception):
    """The process that reads ended by itself; args: its return code."""


class Piece(NamedTuple):
    """What was found next. `name`: of the object; `lost`: why no more of it could be had, where it was the object."""

    name: str
    found: Found
    lost: str | None


class Reading:
    """One process, for as long as it is in a `with`."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._lost: dict[int, str] = {}
        self._stopped = -1  # the last object of which nothing more is wanted

    async def __aenter__(self) -> "Reading":
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(*COMMAND, stdin=pipe, stdout=pipe)
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        assert self._process.stdout is not None
        while await self._process.stdout.read(_READ_BYTES):  # it counts as ended once nothing is left to be read
            pass
        await self._process.wait()

    async def pieces(self, names: Sequence[str], get: Get) -> AsyncGenerator[Piece, None]:
        """All that the objects hold, in their order; to be closed before the process ends. Raises ReaderDied, and what
        `get` raises but for SPOILED."""
        feeding = asyncio.create_task(self._feed(names, get))
        try:
            over = 0
            while over < len(names):
                found = await self._next(feeding)
                if found.stopped:
                    self._stopped = found.number
                over += found.over
                yield Piece(names[found.number], found, self._lost.get(found.number))
            await feeding
        finally:
            feeding.cancel()
            with contextlib.suppress(BaseException):
                await feeding

    async def _next(self, feeding: "asyncio.Task[None]") -> Found:
        assert self._process.stdout is not None
        reading = asyncio.create_task(_read(self._process.stdout))
        try:
            while not reading.done():
                if feeding.done():
                    feeding.result()  # raises what it did
                    await asyncio.wait([reading])
                else:
                    await asyncio.wait([reading, feeding], return_when=asyncio.FIRST_COMPLETED)
            return frames.found_of(reading.result())
        except (asyncio.IncompleteReadError, ConnectionError, BrokenPipeError):
            raise ReaderDied(await self._process.wait()) from None
        finally:
            reading.cancel()

    async def _feed(self, names: Sequence[str], get: Get) -> None:
        await self._write(frames.order_frame(self._order))
        for number, name in enumerate(names):
            await self._write(framed(OBJECT))
            try:
                async with contextlib.aclosing(get(name)) as chunks:
                    async for chunk in chunks:
                        await self._write(framed(DATA, chunk))
                        if self._stopped == number:
                            break
            except SPOILED as fault:
                self._lost[number] = fault.text
            await self._write(framed(END))

    async def _write(self, frame: bytes) -> None:
        given = self._process.stdin
        assert given is not None
        given.write(frame)
        await given.drain()


async def _read(given: asyncio.StreamReader) -> bytes:
    (size,) = LENGTH.unpack(await given.readexactly(LENGTH.size))
    return await given.readexactly(size)
