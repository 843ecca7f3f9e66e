"""Objects in a directory: buckets are folders below it, which others make; objects are files, their names paths.

    DIRECTORY/_store/...             the server's own objects: no bucket's name has an underscore
    DIRECTORY/BUCKET/a/b             the object a/b
    DIRECTORY/BUCKET/.unfinished/    what is being written

An object is written to a file of its own in `.unfinished`, brought to the disk, and renamed. That is one folder for the
whole bucket, so that what dead writers left is found without a look at all objects. What the server makes only its user
may read. Links within a bucket are no objects; a bucket itself may be one.

An object whose name begins with that of another one and a `/` can't be there beside it, as it can in S3.
"""

import errno
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from contextlib import aclosing, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from statordb.model.daemon_thread import in_daemon_thread
from statordb.objects import faults, unfinished, walking
from statordb.objects.calls import Calls, Range, blocks, ranges
from statordb.objects.contract import PAGE_OBJECTS_MAX, Encryption, Entry, Written
from statordb.objects.names import check_bucket, check_path
from statordb.objects.unfinished import DIRECTORY_MODE, Unfinished, file_of, sync_directory

OWN = "_store"
CALLS_MAX = 4  # at the same time
BLOCK_BYTES = 1024 * 1024  # that are read or written in one go

T = TypeVar("T")

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_IN_THE_WAY = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY}


class DirectoryObjects:
    """See Objects. The directory, and the server's own folder, are made with the first object that is written there."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._calls = Calls(CALLS_MAX)
        self.own = FolderBucket(directory / OWN, self._calls, is_made=True)

    def bucket(self, name: str, owner: str = "") -> "FolderBucket":
        """See Objects. A folder has no owner but the server's user."""
        check_bucket(name)
        return FolderBucket(self._directory / name, self._calls)

    async def close(self) -> None:
        """See Objects."""


class FolderBucket:
    """See Bucket. `is_made`: the folder is made when it is needed, and until then is taken for an empty one."""

    def __init__(self, path: Path, calls: Calls, is_made: bool = False) -> None:
        self._path = path
        self._calls = calls
        self._is_made = is_made
        self._is_swept = False

    async def put(self, name: str, chunks: AsyncIterable[bytes], encryption: Encryption | None = None) -> Written:
        """See Bucket."""
        check_path(name)
        file = Unfinished(self._path)
        try:
            await self._run(lambda: self._begin(file))
            async with aclosing(blocks(chunks, BLOCK_BYTES)) as whole:
                async for block in whole:
                    await self._run(partial(file.write, block))
            md5 = await self._run(lambda: file.finish(name))
        except BaseException:
            with suppress(RuntimeError):  # no more threads: it is swept later
                in_daemon_thread("objects", file.discard)  # behind a call that a cancellation has left alone
            raise
        return Written(file.size, md5.hex(), md5)

    def get(self, name: str, begin: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """See Bucket."""

        async def read(begin: int, end: int, tag: str) -> Range:
            check_path(name)
            return await self._run(lambda: self._read(name, begin, end, tag))

        return ranges(read, begin, end, BLOCK_BYTES)

    async def head(self, name: str) -> Entry:
        """See Bucket."""
        check_path(name)

        def look() -> Entry:
            facts = os.stat(file_of(self._path, name), follow_symlinks=False)
            if not stat.S_ISREG(facts.st_mode):
                raise faults.no_such_object()
            return Entry(name, facts.st_size, facts.st_mtime)

        return await self._run(look)

    async def list(self, prefix: str = "", after: str = "", limit: int = PAGE_OBJECTS_MAX) -> Sequence[Entry]:
        """See Bucket."""
        assert 0 < limit <= PAGE_OBJECTS_MAX
        if not _is_beginning(prefix):
            await self._run(lambda: None if self._is_made else os.stat(self._path))
            return ()
        try:
            return await self._run(lambda: [*islice(walking.objects_of(self._path, prefix, after), limit)])
        except faults.NoSuchObject:
            return ()

    async def delete(self, name: str) -> None:
        """See Bucket. Folders that are empty then are removed."""
        check_path(name)
        with suppress(faults.NoSuchObject):
            await self._run(lambda: self._delete(name))

    async def sweep(self) -> int:
        """See Bucket."""
        return await self._run(lambda: unfinished.sweep(self._path))

    def _begin(self, file: Unfinished) -> None:
        if self._is_made:
            self._path.mkdir(DIRECTORY_MODE, parents=True, exist_ok=True)
        if not self._is_swept:
            self._is_swept = True
            unfinished.sweep(self._path)
        file.open()

    def _read(self, name: str, begin: int, end: int, tag: str) -> Range:
        fd = os.open(file_of(self._path, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            facts = os.fstat(fd)
            if not stat.S_ISREG(facts.st_mode):
                raise faults.no_such_object()
            found = f"{facts.st_ino}-{facts.st_mtime_ns}-{facts.st_size}"
            if tag and found != tag:
                raise faults.replaced(name)
            return Range(os.pread(fd, max(0, end - begin), begin), found, facts.st_size)
        finally:
            os.close(fd)

    def _delete(self, name: str) -> None:
        path = file_of(self._path, name)
        if stat.S_ISREG(path.lstat().st_mode):
            path.unlink()
            sync_directory(path.parent)
        folder = path.parent
        with suppress(OSError):  # there is more in it
            while folder != self._path:
                folder.rmdir()
                folder = folder.parent

    async def _run(self, work: Callable[[], T]) -> T:
        """Raises ObjectsFault for an OSError."""

        def run() -> T:
            try:
                return work()
            except OSError as error:
                raise self._fault(error) from None

        return await self._calls.run(run)

    def _fault(self, error: OSError) -> faults.ObjectsFault:
        if isinstance(error, FileNotFoundError):
            return faults.no_such_object() if self._is_made or self._path.is_dir() else faults.no_such_bucket()
        told = f"{self._path}: {error.strerror or error}."
        if error.errno in _FULL:
            return faults.Full("ServiceUnavailable", told)
        if error.errno in _DENIED:
            return faults.AccessDenied("AccessDenied", told)
        if error.errno == errno.ELOOP:  # a link
            return faults.no_such_object()
        if error.errno in _IN_THE_WAY:
            return faults.bad_name("begins with that of an object, or objects' names begin with it")
        return faults.Away("ServiceUnavailable", told)


def _is_beginning(prefix: str) -> bool:
    """Whether a name may begin so."""
    try:
        check_path(f"{prefix}x")
    except faults.BadName:
        return False
    return True
