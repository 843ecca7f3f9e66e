"""Opening an environment: directory, map, format, dead readers."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import lmdb

from statordb.engine.contract import StoreUnusable
from statordb.engine.lmdb.batch import next_announcement
from statordb.engine.lmdb.epoch import Epoch
from statordb.engine.lmdb.format import check_joined, migrate
from statordb.engine.lmdb.keys import REWRITING_KEY, Digest, digest
from statordb.engine.lmdb.latch import Latch
from statordb.engine.lmdb.rewriting import clean_store, rewrite_store
from statordb.engine.lmdb.writers import WRITERS_MAX, TooManyWriters, Writers
from statordb.engine.rewriting import Rewrite

GIB = 1 << 30
MAP_BYTES_MAX = 1024 * GIB  # address space only: the file grows with what is stored
MAP_BYTES_MIN = GIB
READERS_MAX = 1024  # read transactions open at one time, over all processes
DATA_FILE = "data.mdb"
EPOCH_FILE = "announcements"  # not that of earlier releases, which would cut it to the length that theirs has
WRITERS_FILE = "writers"
LATCH_FILE = "writing.lock"
OPENING_FILE = "opening.lock"


class Opened(NamedTuple):
    """A store as one process has it open to write."""

    env: lmdb.Environment
    epoch: Epoch
    writers: Writers
    latch: Latch | None  # of one that waits for no disk


def open_environment(
    path: Path, durable: bool, map_bytes: int | None = None, digest: Digest = digest, rewrite: Rewrite | None = None
) -> Opened:
    """Open or create the environment in directory `path`, in today's format, and announce the opening.

    The announcement makes good what a process left undone that died between its commit and its announcement.
    `map_bytes`: the store's size limit, for tests. `rewrite`: for a store of before rows were sealed. Raises
    StoreUnusable, FormatTooNew, and what `rewrite` does.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _opening(path):
            epoch = Epoch(path / EPOCH_FILE)
            writers = Writers(path / WRITERS_FILE)
            latch = None if durable else Latch(path / LATCH_FILE)
            env = _map(path, durable, map_bytes or _map_bytes(path, durable))
            try:
                env.reader_check()
                if latch is not None:
                    latch.take()
                with env.begin(write=True) as txn:
                    migrate(txn)
                    is_open = txn.get(REWRITING_KEY) is not None
                if is_open and rewrite is None:
                    raise StoreUnusable("the store is not sealed yet.")
                if is_open and rewrite is not None:
                    with _rewriting(path):
                        rewrite_store(env, digest, rewrite)
                        env.close()
                        env = _map(path, durable, map_bytes or _map_bytes(path, durable))
                        clean_store(env)
                with env.begin(write=True) as txn:
                    opened = next_announcement(txn)
                    epoch.clear(opened)
            except BaseException:
                writers.leave()
                env.close()
                if latch is not None:
                    latch.close()  # and so let go of it
                raise
            if latch is not None:
                latch.let_go()
            epoch.tell(opened, None)
            if durable:
                _sync_directory(path)
                _sync_parent(path)
            return Opened(env, epoch, writers, latch)
    except OSError as error:
        raise StoreUnusable(f"the data directory {path} can't be used: {error.strerror}.") from error
    except lmdb.Error as error:
        raise StoreUnusable(f"the store in {path} can't be opened: {error}.") from error
    except TooManyWriters:
        raise StoreUnusable(f"the store in {path} is open in {WRITERS_MAX} processes already.") from None


@contextmanager
def _rewriting(path: Path) -> Iterator[None]:
    """What LMDB says of a disk that is full tells nobody what to do."""
    try:
        yield
    except lmdb.Error as error:
        raise StoreUnusable(
            f"the store in {path} can't be brought to this release's format: {error}. That takes as much free room on "
            "the disk as the store has, and 16 MiB more; nothing is lost, and the next start goes on."
        ) from error


def join_environment(path: Path, durable: bool) -> tuple[lmdb.Environment, Epoch]:
    """The environment that another process of this release has open, without taking the write lock, ever.

    Raises StoreUnusable, FormatTooNew.
    """
    try:
        env = _map(path, durable, _map_bytes(path, durable))
        try:
            with env.begin() as txn:
                check_joined(txn)
            return env, Epoch(path / EPOCH_FILE)
        except BaseException:
            env.close()
            raise
    except OSError as error:
        raise StoreUnusable(f"the data directory {path} can't be used: {error.strerror}.") from error
    except lmdb.Error as error:
        raise StoreUnusable(f"the store in {path} can't be opened: {error}.") from error


def _sync_directory(path: Path) -> None:
    """Make new names in a directory durable: a power cut must not lose the file that holds acknowledged writes."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_parent(path: Path) -> None:
    try:
        _sync_directory(path.parent)
    except PermissionError:
        return  # whoever made the data directory in it was another user, before this start


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    """One process at a time opens: creation and migration are done once."""
    descriptor = os.open(path / OPENING_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _map_bytes(path: Path, durable: bool) -> int:
    """How large the map may be. A store in memory ends at what the machine and the file system have of it."""
    if durable:
        return MAP_BYTES_MAX
    system = os.statvfs(path)
    page = os.sysconf("SC_PAGE_SIZE")
    memory = os.sysconf("SC_PHYS_PAGES") * page
    size = min(MAP_BYTES_MAX, memory, system.f_blocks * system.f_frsize or memory)
    return size // page * page


def _map(path: Path, durable: bool, map_bytes: int) -> lmdb.Environment:
    """Open with the largest map that the process may have: a limit on its address space makes it smaller."""
    while True:
        try:
            return lmdb.open(
                str(path),
                map_size=map_bytes,
                max_readers=READERS_MAX,
                max_spare_txns=1,  # reads keep one reader slot and never take the lock of the reader table
                sync=durable,
                metasync=durable,
                readahead=False,  # rows lie in hash order: the next page of the file is not the next to be read
                mode=0o600,
                lib_version=1,
            )
        except lmdb.MemoryError:
            if map_bytes // 2 < MAP_BYTES_MIN:
                raise
            map_bytes //= 2
