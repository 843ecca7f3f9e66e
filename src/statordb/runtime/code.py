"""Deployment packages unpacked on disk, once for each function and content, and taken away when long unused."""

import asyncio
import hashlib
import io
import os
import shutil
import stat
import time
import uuid
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from statordb.model.invocation import NotRunnable
from statordb.runtime import private_directory
from statordb.store.functions.catalog import FunctionRecord

UNPACKED_BYTES_MAX = 250 * 1024 * 1024  # Lambda quotas: deployment package, unzipped
ENTRIES_MAX = 100_000
UNUSED_SECONDS_MAX = 3600.0  # it can be unpacked again at any time
COPY_BYTES = 1024 * 1024
LINK_BYTES_MAX = 4096
UNFINISHED = "new-"  # begins the names of directories that are being filled
DOOMED = "old-"  # begins the names of those that are to be taken away
READ_BY_ALL, PROGRAM = 0o644, 0o755  # who gets to the files is said by the directory above them all
_UNIX = 3  # zip's number of the system whose file modes an entry has


class CodeCache:
    """Directories under `directory`, one for each function and package. `fetch` gives the zip of a function.

    Functions may write to their directories, so each has its own, though their packages be the same. None outlives the
    server: nothing is flushed to the disk, so that after a loss of power files could be empty.
    """

    def __init__(self, directory: Path, fetch: Callable[[FunctionRecord], Awaitable[bytes]]) -> None:
        self._directory = directory
        self._fetch = fetch
        self._unpacking: dict[Path, asyncio.Task[None]] = {}
        private_directory.make(directory)
        for entry in list(directory.iterdir()):
            self._doom(entry)

    async def root_of(self, function: FunctionRecord) -> Path:
        """The directory with the function's code. Raises NotRunnable."""
        if function.code_directory is not None:
            root = Path(function.code_directory)
            if not root.is_dir():
                raise NotRunnable(f"The directory {root} of the function {function.name} does not exist.")
            return root
        root = self._directory / _directory_name(function)
        task = self._unpacking.get(root)
        if task is None and root.is_dir():
            os.utime(root)
            return root
        if task is None:
            task = asyncio.create_task(self._unpack(function, root))
            self._unpacking[root] = task
            task.add_done_callback(lambda _: self._unpacking.pop(root))
        await asyncio.shield(task)
        return root

    async def _unpack(self, function: FunctionRecord, root: Path) -> None:
        package = await self._fetch(function)
        await asyncio.to_thread(_unpack_as, package, root, function.name)

    async def sweep(self, used: set[Path]) -> None:
        """Take away what is not `used` and has not been for UNUSED_SECONDS_MAX, and what an earlier server left."""
        oldest = time.time() - UNUSED_SECONDS_MAX
        for entry in list(self._directory.iterdir()):
            if entry.name.startswith(DOOMED):
                await asyncio.to_thread(shutil.rmtree, entry, True)
            elif not entry.name.startswith(UNFINISHED) and entry not in used and entry.stat().st_mtime < oldest:
                await asyncio.to_thread(shutil.rmtree, self._doom(entry), True)

    def _doom(self, entry: Path) -> Path:
        """Rename it, which is done at once, so that nobody begins to use it; its new path."""
        return entry.rename(self._directory / f"{DOOMED}{uuid.uuid4().hex}")


def _directory_name(function: FunctionRecord) -> str:
    """A name for the function's package. A hash: names of accounts may have any length and characters."""
    parts = (function.account, function.region, function.name, function.code_sha256)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _unpack_as(package: bytes, root: Path, name: str) -> None:
    """Unpack beside `root` and rename, so that `root` is there complete or not at all."""
    making = root.with_name(f"{UNFINISHED}{uuid.uuid4().hex}")
    try:
        unpack(package, making)
        making.rename(root)
    except (ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as fault:
        raise NotRunnable(f"The deployment package of the function {name} can't be unpacked: {fault}.") from fault
    finally:
        shutil.rmtree(making, ignore_errors=True)


def unpack(package: bytes, directory: Path) -> None:
    """Unpack a zip into a new directory; nothing is written outside of it.

    Of modes is kept which files are programs; everybody who gets into the directory may read and run. Raises ValueError
    for names and links that lead out and for more than UNPACKED_BYTES_MAX, zipfile.BadZipFile and others for what is no
    zip; the directory is removed.
    """
    directory.mkdir(mode=0o700)
    try:
        _fill(package, directory)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _fill(package: bytes, directory: Path) -> None:
    top = os.path.realpath(directory)
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        entries = archive.infolist()
        if len(entries) > ENTRIES_MAX:
            raise ValueError(f"it has more than {ENTRIES_MAX} entries")
        if sum(entry.file_size for entry in entries) > UNPACKED_BYTES_MAX:
            raise ValueError(f"it is larger than {UNPACKED_BYTES_MAX} bytes")
        left = UNPACKED_BYTES_MAX
        links: list[tuple[str, zipfile.ZipInfo]] = []
        for entry in entries:
            path = os.path.join(top, _safe_name(entry.filename))
            if entry.is_dir():
                os.makedirs(path, mode=0o755, exist_ok=True)
                continue
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            if stat.S_ISLNK(_mode(entry)):
                links.append((path, entry))
            else:
                left -= _write(archive, entry, path, left)
        for path, entry in links:  # after the files, so that nothing is written through a link
            _link(archive, entry, path)
    for place, directories, _ in os.walk(top):
        for name in directories:
            if not os.path.islink(path := os.path.join(place, name)):
                os.chmod(path, PROGRAM)  # whatever the server's umask is
    for path, entry in links:  # after all are there: where one leads may depend on any other
        if os.path.commonpath((top, os.path.realpath(path))) != top:
            raise ValueError(f"the link {entry.filename!r} leads out of the package")


def _safe_name(name: str) -> str:
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
        raise ValueError(f"the name {name!r} leads out of the package")
    return os.path.join(*(part for part in parts if part not in ("", "."))) if name.strip("./\\") else "."


def _mode(entry: zipfile.ZipInfo) -> int:
    return entry.external_attr >> 16 if entry.create_system == _UNIX else 0


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: str, bytes_max: int) -> int:
    """Write one file; its size."""
    written = 0
    with archive.open(entry) as source, open(path, "wb") as target:
        while chunk := source.read(COPY_BYTES):
            written += len(chunk)
            if written > bytes_max:
                raise ValueError(f"it is larger than {UNPACKED_BYTES_MAX} bytes")
            target.write(chunk)
    mode = _mode(entry)
    os.chmod(path, PROGRAM if mode & 0o111 else READ_BY_ALL)
    return written


def _link(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: str) -> None:
    """Make one symbolic link, wherever it leads."""
    if entry.file_size > LINK_BYTES_MAX:
        raise ValueError(f"the link {entry.filename!r} is too long")
    os.symlink(archive.read(entry).decode(), path)
