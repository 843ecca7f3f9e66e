"""Ends what functions of a user have started, and takes away what they wrote.

Both are done as that user, so that nothing else can be hit, in a process that the user can't touch: its real number is
another one, and only who has the real or saved number of a process may send it signals or look into it.
"""

import contextlib
import ctypes
import os
import signal
import stat
import sys
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from statordb.launcher import rights
from statordb.launcher.users import Users

TRIES_MAX = 20  # of a process that another of these may have ended, since they share a user
ROUNDS_MAX = 200  # of looking whether all are gone: new ones may have come while they were told to end
IPC_RMID = 0  # linux/ipc.h
OWNER_MODE = 0o700
LEVELS_MAX = 100_000  # of directories in directories
MOVED = f"{uuid.uuid4().hex}-"  # begins the names of directories that are moved


class NotEnded(Exception):
    """Processes of a function's user, or its files, are still there."""


def end_user(user: int, users: Users) -> None:
    """Kill all processes of a function's user, wherever they went, and take away the memory that they shared.

    Blocks until they have been told to end, some milliseconds. Raises NotEnded, ValueError.
    """
    _as(user, users.killer, users, _kill_all)


def end_range(users: Users) -> None:
    """The same for all users of the range that have processes."""
    for _ in range(ROUNDS_MAX):
        found = {user for user in _with_processes() if users.gives(user)}
        if not found:
            return
        for user in found:
            end_user(user, users)
    raise NotEnded


def empty(directory: int, user: int, users: Users) -> None:
    """Take away all that is in a directory of a function's user. `directory`: a descriptor. Blocks. Raises NotEnded,
    ValueError."""
    _as(user, users.cleaner, users, lambda: _empty(directory))


def begin(user: int, other: int, users: Users, act: Callable[[], None]) -> int:
    """Act in a process whose effective user is `user`, and whose real one is `other`: its number. Raises ValueError."""
    if not users.gives(user) or users.gives(other) or not users.first <= other <= users.last:
        raise ValueError(user)
    pid = os.fork()
    if pid == 0:
        _act(user, other, act)
    return pid


def _as(user: int, other: int, users: Users, act: Callable[[], None]) -> None:
    """The same, to its end."""
    for _ in range(TRIES_MAX):
        _, status = os.waitpid(begin(user, other, users, act), 0)
        if status == 0:
            return
        if not os.WIFSIGNALED(status):
            break
    raise NotEnded


def _act(user: int, other: int, act: Callable[[], None]) -> NoReturn:
    code = 1
    try:
        os.setgroups([])
        os.setresgid(other, user, other)
        os.setresuid(other, user, other)
        rights.give_up_all()
        if os.getresuid() == (other, user, other):
            act()
            code = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)


def _kill_all() -> None:
    """All that this user may send signals to: with no rights these are its own processes, all at one moment."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    _forget_shared()


def _forget_shared() -> None:
    """Memory, queues and semaphores of System V outlive the processes that made them."""
    libc, user = ctypes.CDLL(None), str(os.geteuid())
    removals: tuple[tuple[str, str, Callable[[int], object]], ...] = (
        ("shm", "shmid", lambda number: libc.shmctl(number, IPC_RMID, None)),
        ("msg", "msqid", lambda number: libc.msgctl(number, IPC_RMID, None)),
        ("sem", "semid", lambda number: libc.semctl(number, 0, IPC_RMID)),
    )
    for kind, name, remove in removals:
        try:
            lines = Path("/proc/sysvipc", kind).read_text().splitlines()
        except OSError:  # a kernel without them
            continue
        columns = lines[0].split()
        number, owner = columns.index(name), columns.index("uid")
        for line in lines[1:]:
            fields = line.split()
            if fields[owner] == user:
                remove(int(fields[number]))


def _empty(directory: int) -> None:
    """As the owner, who may have taken from itself the right to look into what is in it.

    What is in a directory is moved up before that is taken away, so that none is too deep.
    """
    os.chmod(f"/proc/self/fd/{directory}", OWNER_MODE)
    os.fchdir(directory)
    moved = 0
    for _ in range(LEVELS_MAX):
        names = os.listdir(".")
        if not names:
            return
        for name in names:
            if not stat.S_ISDIR(os.lstat(name).st_mode):
                os.unlink(name)
                continue
            os.chmod(name, OWNER_MODE)
            opened = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            for entry in os.listdir(opened):
                if not stat.S_ISDIR(os.lstat(entry, dir_fd=opened).st_mode):
                    os.unlink(entry, dir_fd=opened)
                    continue
                os.chmod(entry, OWNER_MODE, dir_fd=opened)
                os.rename(entry, f"{MOVED}{moved}", src_dir_fd=opened)
                moved += 1
            os.close(opened)
            os.rmdir(name)
    raise NotEnded


def _with_processes() -> set[int]:
    """The users of all processes that live."""
    found: set[int] = set()
    if sys.platform == "linux":
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError, IndexError):
                status = Path("/proc", name, "status").read_text()
                fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
                if fields["State"].split()[0] not in "ZX":
                    found |= set(map(int, fields["Uid"].split()))
    return found
