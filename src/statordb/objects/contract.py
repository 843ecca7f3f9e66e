"""Objects: bytes with a name, in buckets. What a directory and S3 have in common, as the rest of the server sees it.

An object is written whole or not at all: until `put` returns it is not to be seen, or what was there before still is,
and from then on it outlives the machine's power. Nothing is opened, reached for or imported before the first call of a
method that is awaited. Use objects in one event loop.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from typing import Literal, NamedTuple, Protocol

CHUNK_BYTES = 256 * 1024  # at most, of what `get` gives at a time
NAME_BYTES_MAX = 1024  # of UTF-8. Amazon S3 User Guide, "Naming Amazon S3 objects"
PAGE_OBJECTS_MAX = 1000  # S3's API reference, ListObjectsV2, MaxKeys


class Written(NamedTuple):
    """What became of a `put`. `etag`: as S3 has it, without quotation marks; `md5`: 16 bytes."""

    size: int
    etag: str
    md5: bytes


class Entry(NamedTuple):
    """An object as lists show it. `modified`: seconds of Unix time."""

    name: str
    size: int
    modified: float


class Encryption(NamedTuple):
    """How S3 encrypts an object by itself (x-amz-server-side-encryption). A directory does not."""

    algorithm: Literal["AES256", "aws:kms"]
    kms_key: str = ""


class Bucket(Protocol):
    """Objects by their names. All methods raise the faults of `objects.faults`.

    Names: 1 to 1024 bytes of UTF-8, parts with `/` between them; see `objects.names`.
    """

    async def put(self, name: str, chunks: AsyncIterable[bytes], encryption: Encryption | None = None) -> Written:
        """Write an object, in place of one that has the name. What the chunks raise is raised; nothing is left then."""
        ...

    def get(self, name: str, begin: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from `begin` to `end`, which is not among them, or as many as there are. Raises NoSuchObject with
        the first chunk, and Damaged if another object takes the place meanwhile."""
        ...

    async def head(self, name: str) -> Entry:
        """Raises NoSuchObject."""
        ...

    async def list(self, prefix: str = "", after: str = "", limit: int = PAGE_OBJECTS_MAX) -> Sequence[Entry]:
        """The first `limit` objects whose names begin with `prefix` and are above `after`, in the order of their bytes.
        Fewer: there are no more."""
        ...

    async def delete(self, name: str) -> None:
        """One that is not there is no fault."""
        ...

    async def sweep(self) -> int:
        """Remove what writers left that died, and return how much of it there was."""
        ...


class Objects(Protocol):
    """All buckets of a place."""

    @property
    def own(self) -> Bucket:
        """What the server keeps for itself, which no bucket's name reaches."""
        ...

    def bucket(self, name: str, owner: str = "") -> Bucket:
        """A bucket of others, by S3's name of it. `owner`: the account that it has to be of. Raises BadName; whether
        there is such a bucket is seen later."""
        ...

    async def close(self) -> None: ...
