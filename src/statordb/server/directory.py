"""The directory of a store: made, locked against a second server, or put into memory."""

import errno
import fcntl
import logging
import os
import re
import stat
import time
from pathlib import Path

from statordb.server.settings import BadStart

SUPERUSER = 0
LOCK_NAME = "server.lock"
LOCK_WAIT_SECONDS = 2.0  # the processes of a killed server may take a moment to be gone
MEMORY_ROOT = Path("/dev/shm")
FUNCTIONS_SUFFIX = "-functions"
MEMORY_NAME = re.compile(r"statordb-([0-9]+)-")

log = logging.getLogger(__name__)


class Directory:
    """A directory held by this process and its children until the last of them ends (flock)."""

    def __init__(self, path: Path, in_memory: bool, lock_fd: int) -> None:
        self.path = path
        self.in_memory = in_memory
        self._lock_fd = lock_fd

    @property
    def functions(self) -> Path:
        """Where the code of functions is run: beside the store, but on a disk, since programs may not run in memory."""
        if not self.in_memory:
            return self.path / "functions"
        import tempfile

        return Path(tempfile.gettempdir(), self.path.name + FUNCTIONS_SUFFIX)

    def release(self) -> None:
        """Let go of it; one in memory is removed."""
        if self.in_memory:
            import shutil

            shutil.rmtree(self.path, ignore_errors=True)
            shutil.rmtree(self.functions, ignore_errors=True)
        os.close(self._lock_fd)


def must_have_store(path: Path) -> None:
    """For commands that read a store, or change what is in it: where there is none, they make none. Raises BadStart."""
    from statordb.engine.lmdb.environment import DATA_FILE  # a supervisor opens no store

    if not (path / DATA_FILE).is_file():
        raise BadStart(f"There is no store in {path}.")


def hold_data(path: Path) -> Directory:
    """Make `path` if need be and hold it. Raises BadStart."""
    prepare(path)
    fd = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while not _lock(fd):
        if time.monotonic() > deadline:
            os.close(fd)
            raise BadStart(f"Another server is running on the data directory {path}.")
        time.sleep(0.02)
    return Directory(path, False, fd)


def prepare(path: Path) -> None:
    """Make a data directory if need be, and see that it can be written, and by nobody else. Raises BadStart."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise BadStart(f"The data directory {path} is not a directory.") from None
    except OSError as error:
        raise BadStart(f"The data directory {path} can't be made: {error.strerror}.") from None
    _refuse_others(path)
    try:
        os.close(os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise BadStart(f"The data directory {path} can't be written: {error.strerror}.") from None


def _refuse_others(path: Path) -> None:
    """Who may write to the directory may put other keys, other data and other code in the place of ours."""
    facts = path.stat()
    others = {facts.st_uid, path.lstat().st_uid} - {os.geteuid(), SUPERUSER}
    if others:
        raise BadStart(
            f"The data directory {path} belongs to another user ({_name(min(others))}), who could change what is in it:"
            " run this as that user, or name a directory of your own."
        )
    if facts.st_mode & stat.S_IWOTH:
        raise BadStart(
            f"Other users may write to the data directory {path} (mode {stat.S_IMODE(facts.st_mode):04o}): "
            "make it 0700, or name a new directory within it."
        )
    # No umask gives this to a group that has other members: who has it was given it, as a volume's group is.
    if facts.st_mode & stat.S_IWGRP and not _is_of_one(facts.st_gid, facts.st_uid):
        log.warning(
            "a group may write to the data directory, and so replace the keys and the data",
            extra={"path": str(path), "mode": f"{stat.S_IMODE(facts.st_mode):04o}", "group": facts.st_gid},
        )


def _name(user: int) -> str:
    import pwd  # few directories are refused

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _is_of_one(group: int, user: int) -> bool:
    """Whether a group is a user's own, as many systems make one for each."""
    import grp  # few directories have such a mode
    import pwd

    try:
        owner, found = pwd.getpwuid(user), grp.getgrgid(group)
    except KeyError:
        return False
    return owner.pw_gid == group and found.gr_name == owner.pw_name and set(found.gr_mem) <= {owner.pw_name}


def hold_memory() -> Directory:
    """A new directory in memory (tmpfs where there is one). Those of servers that were killed are removed first."""
    import tempfile  # a server with a data directory starts without it

    root = MEMORY_ROOT if os.access(MEMORY_ROOT, os.W_OK) else Path(tempfile.gettempdir())
    _sweep(root)
    _sweep_functions(root, Path(tempfile.gettempdir()))
    path = Path(tempfile.mkdtemp(prefix=f"statordb-{os.getpid()}-", dir=root))
    fd = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    _lock(fd)
    held = Directory(path, True, fd)
    try:
        held.functions.mkdir(mode=0o700)  # ours, before anybody who saw the other's name can make it
    except FileExistsError:
        raise BadStart(f"The directory {held.functions} is somebody else's.") from None
    return held


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True


def _sweep(root: Path) -> None:
    """Remove memory directories whose server is gone: its process does not exist, and nobody holds the lock."""
    for path in root.glob("statordb-*-*"):
        named = MEMORY_NAME.match(path.name)
        if named is None or _exists(int(named[1])):
            continue
        try:
            fd = os.open(path / LOCK_NAME, os.O_RDWR)
        except OSError:
            continue  # another user's, or not yet locked
        try:
            if _lock(fd):
                import shutil

                shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(fd)


def _sweep_functions(root: Path, disk: Path) -> None:
    """Remove what functions of such servers left on the disk: their directory in memory is gone."""
    for path in disk.glob(f"statordb-*-*{FUNCTIONS_SUFFIX}"):
        named = MEMORY_NAME.match(path.name)
        owner = root / path.name.removesuffix(FUNCTIONS_SUFFIX)
        if named is not None and not _exists(int(named[1])) and not owner.exists():
            import shutil

            from statordb.runtime import leftovers, private_directory

            try:
                leftovers.clear_all(path)
            except private_directory.NotPrivate:
                continue  # another user's, or nobody's to trust
            shutil.rmtree(path, ignore_errors=True)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
