"""Where functions' code and files may be, and which programs run them: nothing else is ever opened or run."""

import os
import shutil
import stat
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from statordb.launcher.requests import Refused

HOMES, CODE = "instances", "code"  # in the directory of functions
CLIENTS = Path(__file__).resolve().parents[1] / "runtime"  # with the client for Node.js
SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt", "/nix/store", "/run/systemd/resolve",
    "/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/filesystems", "/proc/sys",
    "/sys/devices/system/cpu",
)  # fmt: skip
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Programs(NamedTuple):
    """What runs functions. `node` is None where there is none; `readable`: what a function sees of the disk."""

    python: str
    node: str | None
    readable: tuple[str, ...]

    @classmethod
    def find(cls) -> "Programs":
        node = shutil.which("node")
        places = [sys.prefix, sys.base_prefix, os.path.realpath(sysconfig.get_path("stdlib")), str(CLIENTS)]
        if node is not None:
            places.append(str(Path(node).resolve().parents[1]))
        readable = dict.fromkeys([*SYSTEM, *(place for place in places if place != "/")])
        return cls(sys.executable, node, tuple(readable))

    def words(self, kind: str, handler: str, root: str) -> list[str]:
        """What to run. Raises Refused."""
        if kind == "python":
            return [self.python, "-m", "awslambdaric", handler]
        if kind == "bootstrap":
            return [os.path.join(root, "bootstrap")]
        if self.node is None:
            raise Refused("Node.js functions need the program node.")
        return [self.node, str(CLIENTS / "node_bootstrap.mjs"), handler]


class Code(NamedTuple):
    """A function's code: a descriptor of its directory, and the path. `is_package`: the server has unpacked it."""

    opened: int
    path: str
    is_package: bool


class Places:
    """`directory`: that of functions, which the server owns. `code`: other directories that functions may be run from.

    `server`: the server's user. Raises Refused.
    """

    def __init__(self, directory: str, code: Iterable[str], server: int) -> None:
        self._directory = os.path.realpath(directory)
        self._code = [os.path.realpath(place) for place in code]
        self._server = server
        self._homes = self._of_the_server(os.path.join(self._directory, HOMES), None)
        try:
            self._packages = self._of_the_server(os.path.join(self._directory, CODE), None)
        except Refused:
            os.close(self._homes)
            raise

    def new_home(self, name: str) -> int:
        """A descriptor of a directory that the server has made for a process. Raises Refused."""
        return self._of_the_server(name, self._homes)

    def left_home(self, name: str) -> int:
        """The same for one that may have been given to a function's user."""
        return _open(name, self._homes)

    def code(self, package: str | None, directory: str | None) -> Code:
        """Raises Refused."""
        if package is not None:
            opened = self._of_the_server(package, self._packages)
            return Code(opened, os.path.join(self._directory, CODE, package), True)
        assert directory is not None
        opened = _open(os.path.realpath(directory), None)
        path = os.readlink(f"/proc/self/fd/{opened}")
        if any(os.path.commonpath((place, path)) == place for place in self._code):
            return Code(opened, path, False)
        os.close(opened)
        raise Refused(f"Functions may not be run from {path}.")

    def _of_the_server(self, name: str, within: int | None) -> int:
        opened = _open(name, within)
        if os.fstat(opened).st_uid == self._server:
            return opened
        os.close(opened)
        raise Refused(f"The directory {name} is not the server's.")

    def close(self) -> None:
        os.close(self._homes)
        os.close(self._packages)


def _open(name: str, within: int | None) -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=within)
    except OSError as fault:
        raise Refused(f"The directory {name} can't be opened: {fault.strerror}.") from None


def barred(path: Path) -> Path | None:
    """The first directory on the way to `path` that other users can't go through, if there is one."""
    for directory in reversed(path.resolve().parents):
        if not directory.stat().st_mode & stat.S_IXOTH:
            return directory
    return None
