"""A bucket of objects in memory, which may fail as it is told."""

from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from statordb.objects.faults import Damaged, NoSuchObject


class Kept(NamedTuple):
    digest: bytes


class Listed(NamedTuple):
    name: str


class MemoryBucket:
    """`away`: what every call raises, as long as it is set."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.away: Exception | None = None
        self.swept = 0  # times

    async def put(self, name: str, chunks: AsyncIterable[bytes]) -> Kept:
        content = b"".join([chunk async for chunk in chunks])
        if self.away is not None:
            raise self.away
        self.objects[name] = content
        return Kept(sha256(content).digest())

    async def get(self, name: str, digest: bytes | None = None) -> AsyncGenerator[bytes, None]:
        if self.away is not None:
            raise self.away
        if name not in self.objects:
            raise NoSuchObject("NoSuchKey", name)
        if digest not in (None, sha256(self.objects[name]).digest()):
            raise Damaged("Damaged", name)
        yield self.objects[name]

    async def list(self, prefix: str = "", after: str = "", limit: int = 1000) -> Sequence[Listed]:
        if self.away is not None:
            raise self.away
        names = sorted(name for name in self.objects if name.startswith(prefix) and name > after)
        return [Listed(name) for name in names[:limit]]

    async def delete(self, name: str) -> None:
        self.objects.pop(name, None)

    async def sweep(self) -> int:
        self.swept += 1
        return 0
