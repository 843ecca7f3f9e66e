"""The directories of instances, and what a server that was killed left in them: files, and perhaps processes.

An instance's directory NAME (32 hex digits, never used twice) is its TMPDIR. Beside it NAME.process says which process
it belongs to: pid and when that began. NAME is also the end of its log stream's name, so that all its processes have it
in their environment.
"""

import shutil
import uuid
from pathlib import Path

from statordb.functions import processes

SUFFIX = ".process"


def new_home(directory: Path) -> Path:
    home = directory / uuid.uuid4().hex
    home.mkdir(parents=True, mode=0o700)
    return home


def note(home: Path, pid: int) -> None:
    """Remember the process of an instance, for the case that the server is killed."""
    home.with_suffix(SUFFIX).write_text(f"{pid} {processes.began_at(pid)}")


def clear(home: Path, session: int | None) -> None:
    """End all that is left of an instance and take its files away. `session`: if it is known to be its own. Blocks."""
    processes.end_all(session, home.name)
    shutil.rmtree(home, ignore_errors=True)
    home.with_suffix(SUFFIX).unlink(missing_ok=True)


def clear_all(directory: Path) -> None:
    """At a server's start: end and take away what the one before left. Blocks; quick where nothing is left."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for home in [entry for entry in directory.iterdir() if entry.suffix != SUFFIX]:
        clear(home, _session(home.with_suffix(SUFFIX)))
    for stray in directory.glob("*" + SUFFIX):
        stray.unlink()


def _session(noted: Path) -> int | None:
    """The noted process, if it is still the one that was noted."""
    try:
        pid, began_at = noted.read_text().split()
    except (FileNotFoundError, ValueError):
        return None  # killed before it was written
    return int(pid) if str(processes.began_at(int(pid))) == began_at else None
