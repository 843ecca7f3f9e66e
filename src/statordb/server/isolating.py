"""Whether this server may run functions as users of their own, told at its start."""

import logging
import os
import sys
from pathlib import Path

from statordb.runtime import isolation
from statordb.server.settings import BadStart, Settings

INSTEAD = "functions = shared-user runs them as the server's user, where they can read the data and the keys of all."

log = logging.getLogger(__name__)


def check(settings: Settings, directory: Path, status: Path = Path("/proc/self/status")) -> None:
    """Raises BadStart if functions can't be kept apart as the settings want it. `directory`: that of functions."""
    if sys.platform != "linux":
        raise BadStart(f"functions = isolated needs Linux; {INSTEAD}")
    missing = isolation.missing_rights(status.read_text())
    if missing:
        raise BadStart(f"functions = isolated needs a server that has {', '.join(missing)}, as root has; {INSTEAD}")
    users = settings.functions_users
    if users is not None and users.first <= os.geteuid() <= users.last:
        raise BadStart("functions_users has the server's own user among them.")
    barred = isolation.barred(directory)
    if barred is not None:
        raise BadStart(
            f"Users of functions can't get to the directory {directory}, since {barred} is closed to them: name "
            "another place by functions_directory."
        )


def tell(settings: Settings) -> None:
    """Warn of what will not be kept from functions, and what they will not find."""
    if isolation.barred(Path(sys.executable)) or isolation.barred(Path(os.__file__)):
        log.warning("users of functions can't get to the server's Python: there will be no functions in Python")
    if not isolation.has_landlock():
        log.warning("the kernel has no Landlock: functions can read what is open to all users of the system")
