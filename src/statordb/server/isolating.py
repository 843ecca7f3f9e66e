"""Whether functions can run as users of their own on this machine, told at the start of the server."""

import logging
import os
import sys
from pathlib import Path

from statordb.launcher.confining import has_landlock
from statordb.launcher.places import CODE, HOMES, Programs, barred
from statordb.outbound.permissions import ANY
from statordb.runtime import private_directory
from statordb.runtime.launching import Own, Way
from statordb.server.settings import BadStart, Settings

FILES = "file://"  # begins the directories among the destinations

log = logging.getLogger(__name__)


def prepare(settings: Settings, directory: Path, way: Way) -> None:
    """Make what the launcher will look for, and tell it where. `directory`: that of functions. Raises BadStart."""
    for name in (HOMES, CODE):
        private_directory.make(directory / name)
    closed = barred(directory)
    if closed is not None:
        raise BadStart(
            f"Users of functions can't get to the directory {directory}, since {closed} is closed to them: name "
            "another place by functions_directory."
        )
    if isinstance(way, Own):
        way.configure(directory.resolve(), _code_of(settings))


def _code_of(settings: Settings) -> list[str]:
    """Local directories that functions may be run from: as a function is created, the same is asked."""
    entries = settings.destinations
    if ANY in entries:
        return ["/"]
    return [entry.removeprefix(FILES) for entry in entries if entry.startswith(FILES)]


def tell() -> None:
    """Warn of what will not be kept from functions, and what they will not find."""
    for path in (Path(sys.executable), Path(os.__file__)):
        closed = barred(path)
        if closed is not None:
            log.warning(
                "users of functions can't get to the server's Python: there will be no functions in Python",
                extra={"path": str(path), "closed": str(closed)},
            )
            break
    node = Programs.find().node
    closed = None if node is None else barred(Path(node))
    if closed is not None:
        log.warning(
            "users of functions can't get to Node.js: there will be no functions in it",
            extra={"path": node, "closed": str(closed)},
        )
    if not has_landlock():
        log.warning("the kernel has no Landlock: functions can read what is open to all users of the system")
