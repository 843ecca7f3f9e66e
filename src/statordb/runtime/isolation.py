"""How functions are kept from the server and from each other: as users of their own, who see little of the disk."""

import ctypes
import os
import shutil
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from statordb.runtime.launcher import CREATE_RULESET, RULESET_VERSION
from statordb.runtime.users import Accounts, Users

SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt", "/nix/store", "/run/systemd/resolve",
    "/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/filesystems", "/proc/sys",
    "/sys/devices/system/cpu",
)  # fmt: skip
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
TRAVERSED = 0o711  # others may go through a directory, and see nothing in it
# linux/capability.h: to give files away, to read and remove others', to end others' processes, to become another user
RIGHTS = {"CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7}


class Isolation:
    """The users of accounts, and what each of them may read."""

    def __init__(self, users: Users) -> None:
        self._accounts = Accounts(users)
        self._programs = _programs()

    def user_of(self, account: str, in_use: set[str]) -> int:
        """The number of the user, and of its only group. Raises NoUserLeft."""
        return self._accounts.user_of(account, in_use)

    def readable(self, root: Path) -> list[str]:
        """What a function with its code in `root` may read and run."""
        return [*SYSTEM, *self._programs, str(root)]

    def writable(self, home: Path) -> list[str]:
        return [*DEVICES, str(home)]

    def open_ways(self, directories: Iterable[Path]) -> None:
        """Let other users go through directories of the server's own to what is theirs, and see nothing else there."""
        for directory in directories:
            os.chmod(directory, TRAVERSED)

    def give(self, root: Path, user: int) -> None:
        """Let a user read the code in a directory of the server's, and nobody else."""
        os.chown(root, -1, user)
        os.chmod(root, 0o750)


def _programs() -> list[str]:
    """What runs functions: Python with what is installed, Node.js, and the client for it."""
    import sysconfig  # few servers need it

    node = shutil.which("node")
    places = [sys.prefix, sys.base_prefix, os.path.realpath(sysconfig.get_path("stdlib")), str(Path(__file__).parent)]
    if node is not None:
        places.append(str(Path(node).resolve().parents[1]))
    return list(dict.fromkeys(place for place in places if place != "/"))


def missing_rights(status: str) -> list[str]:
    """Which of the rights that it takes this process does not have, by its /proc/self/status."""
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            held = int(line.split()[1], 16)
            return [name for name, bit in RIGHTS.items() if not held >> bit & 1]
    return list(RIGHTS)


def has_landlock() -> bool:
    """Whether the kernel can keep files from a process that does not want to see them (see launcher.py)."""
    version = ctypes.CDLL(None).syscall(CREATE_RULESET, None, ctypes.c_size_t(0), RULESET_VERSION)
    return int(version) > 0


def barred(path: Path) -> Path | None:
    """The first directory on the way to `path` that other users can't go through, if there is one."""
    for directory in reversed(path.resolve().parents):
        if not directory.stat().st_mode & stat.S_IXOTH:
            return directory
    return None
