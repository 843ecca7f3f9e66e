"""Control groups (Linux, version 2): one for each instance, so that nothing that it starts gets away from it.

A process is in the group of its parent, and leaves it only by the kernel's files, which are the server's user's: a new
session, another name or a cleared environment changes nothing. Whoever ends the group ends all that is in it.
"""

import contextlib
import os
import time
from pathlib import Path

MOUNTS, OWN = Path("/proc/self/mountinfo"), Path("/proc/self/cgroup")
ALL = "statordb-functions"  # the group of all groups of instances
SERVER = "statordb-server"  # the group of the server and its launcher, where they leave their own
ROUNDS_MAX = 200  # of looking whether the last process of a group is gone
ROUND_SECONDS = 0.005
EMPTY_SECONDS_MAX = 3600.0  # an empty group that is older is nobody's: an instance enters its own at once
PROCESSES_MAX = 1024  # as on Lambda


class Cgroups:
    """Makes groups below `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @classmethod
    def find(cls, mounts: Path = MOUNTS, own: Path = OWN, *, settles: bool = False) -> "Cgroups | None":
        """Those below the group of this process; None where this user may not make any, or can't end them at once.

        `settles`: this process and its parent may be moved into a group below their own, if they have that alone.
        """
        place = _place(mounts, own)
        if place is None:
            return None
        directory = place / ALL
        try:
            directory.mkdir(exist_ok=True)
            if settles:
                _settle(place)
            if not os.access(directory / "cgroup.kill", os.W_OK):
                return None
            _delegate(place)
            _delegate(directory)
            _sweep(directory, time.time() - EMPTY_SECONDS_MAX)
        except OSError:
            return None
        return cls(directory)

    def of(self, name: str) -> Path:
        """The group of that name, which may not be there."""
        return self._directory / name

    def make(self, name: str, memory_bytes_max: int) -> Path:
        """A new group, bounded where the kernel's controllers are this user's to set. Raises OSError."""
        made = self.of(name)
        made.mkdir()
        for file, bound in (("memory.max", memory_bytes_max), ("memory.swap.max", 0), ("pids.max", PROCESSES_MAX)):
            with contextlib.suppress(OSError):  # not there, or another's: memory is looked at then
                (made / file).write_text(str(bound))
        return made


def end(group: Path) -> None:
    """Kill all that is in a group, and take it away; one that is not there is no error. Blocks until that is done."""
    for _ in range(ROUNDS_MAX):
        try:
            (group / "cgroup.kill").write_text("1")
            group.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:  # what was killed is not quite gone
            time.sleep(ROUND_SECONDS)


def _sweep(directory: Path, before: float) -> None:
    """Take away groups that killed servers have left, and that nothing is in: those with processes can't be."""
    for group in directory.iterdir():
        with contextlib.suppress(OSError):
            if group.is_dir() and group.stat().st_mtime < before:
                group.rmdir()


def _settle(place: Path) -> None:
    """Leave a group to the groups below it: where processes are in it, its controllers can't be given to them."""
    members = {int(pid) for pid in (place / "cgroup.procs").read_text().split()}
    if (place / "cgroup.type").exists() and members <= {os.getpid(), os.getppid()}:  # the root of all has no type
        (place / SERVER).mkdir(exist_ok=True)
        for pid in members:
            (place / SERVER / "cgroup.procs").write_text(str(pid))


def _delegate(group: Path) -> None:
    """Have the controllers of memory and processes count below a group, where that may be: not where processes are in
    it besides, nor where version 1 has the controllers."""
    for controller in ("memory", "pids"):
        with contextlib.suppress(OSError):
            (group / "cgroup.subtree_control").write_text(f"+{controller}")


def _place(mounts: Path, own: Path) -> Path | None:
    """The directory of this process's own group."""
    try:
        told = [line.split(":", 2)[2] for line in own.read_text().splitlines() if line.startswith("0::")]
        lines = [line.split() for line in mounts.read_text().splitlines() if " - cgroup2 " in line]
    except OSError:
        return None
    for fields in lines:
        root, point = fields[3], fields[4]
        for path in told:
            if path == root or path.startswith(root.rstrip("/") + "/"):
                return Path(point) / path.removeprefix(root).strip("/")
    return None
