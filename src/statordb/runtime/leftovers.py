"""The directories of instances, and what a server that was killed left in them: files, and perhaps processes.

An instance's directory NAME (32 hex digits, never used twice) is its TMPDIR. Beside it NAME.process says which process
it belongs to: pid and when that began, and its control group if there is one. NAME is also the end of its log stream's
name, so that all its processes have it in their environment.
"""

import re
import shutil
import uuid
from pathlib import Path

from statordb.launcher import cgroups
from statordb.runtime import private_directory, processes

HOMES = "instances"  # the name of the directory of all instances' directories, in a pool's own
SUFFIX = ".process"
_NAME = re.compile("[0-9a-f]{32}")


def new_home(directory: Path) -> Path:
    """A directory for a new instance."""
    home = directory / uuid.uuid4().hex
    home.mkdir(parents=True, mode=0o700)
    return home


def note(home: Path, pid: int, cgroup: Path | None = None) -> None:
    """Remember the process of an instance, for the case that the server is killed."""
    noted = home.with_suffix(SUFFIX)
    noted.write_text(f"{pid} {processes.began_at(pid)} {cgroup or ''}")


def clear(home: Path, session: int | None) -> None:
    """End all that is left of an instance and take its files away. `session`: if it is known to be its own. Blocks."""
    group = _noted(home)[2]
    if group:
        cgroups.end(Path(group))
    processes.end_all(session, home.name)
    shutil.rmtree(home, ignore_errors=True)
    home.with_suffix(SUFFIX).unlink(missing_ok=True)


def clear_all(pool: Path) -> None:
    """End and take away what an earlier server left in its pool's directory; that may not be there at all.

    Blocks; quick where nothing is left. Needs no event loop. Raises private_directory.NotPrivate: what others wrote
    must not say which processes are ended.
    """
    homes = pool / HOMES
    if not homes.is_dir():
        return
    private_directory.check(pool)
    private_directory.check(homes)
    for name in {entry.name.removesuffix(SUFFIX) for entry in homes.iterdir()}:
        if _NAME.fullmatch(name):  # else it is a function's own doing, and no mark of its processes
            home = homes / name
            clear(home, _session(home))


def _session(home: Path) -> int | None:
    """The noted process, if it is still the one that was noted."""
    pid, began_at, _ = _noted(home)
    return int(pid) if pid and str(processes.began_at(int(pid))) == began_at else None


def _noted(home: Path) -> tuple[str, str, str]:
    """(pid, when it began, control group) of an instance; each "" if it was not noted: killed before that."""
    try:
        parts = home.with_suffix(SUFFIX).read_text().split(" ", 2)
    except FileNotFoundError:
        parts = []
    pid, began_at, group = (*parts, "", "", "")[:3]
    return (pid, began_at, group) if began_at else ("", "", "")
