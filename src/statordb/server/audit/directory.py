"""The directory of the audit log, as a server or a command begins with it."""

import os
import pwd
import stat
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from statordb.server.audit import entries
from statordb.server.audit.trail import DIRECTORY_MODE, Trail
from statordb.server.settings import BadStart, Settings

COMMANDS = "commands"  # the chain of what was done on the command line
TRIES = 20  # of commands at the same time, each of which takes the next file


def prepare(settings: Settings) -> None:
    """Make it, or see that it is ours alone. Raises BadStart."""
    path = settings.audit_directory
    if path is None:
        if settings.audit_required or settings.audit_data_events:
            raise BadStart("audit_required and audit_data_events need an audit_directory.")
        return
    try:
        path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        facts = path.stat()
    except OSError as fault:
        raise BadStart(f"The audit directory {path} can't be made: {fault.strerror}.") from None
    if facts.st_uid != os.geteuid() or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise BadStart(f"The audit directory {path} must be the server's user's own, and writable by nobody else.")


def record_command(path: Path | None, now: float, action: str, asked: Mapping[str, Any], code: int) -> None:
    """Keep what was done on the command line; `path` None: nothing is kept. Raises BadStart."""
    if path is None:
        return
    record = {
        "eventVersion": entries.VERSION,
        "userIdentity": {"type": "Unknown", "userName": _user(), "uid": os.getuid()},
        "eventTime": entries.stamp(now),
        "eventSource": "statordb",
        "eventName": action,
        "requestParameters": dict(asked),
        "eventID": str(uuid.uuid4()),
        "eventType": "StatorDBCommand",
        "managementEvent": True,
        "eventCategory": "Management",
        "exitCode": code,
    }
    for _ in range(TRIES):
        trail = Trail(path, COMMANDS)
        try:
            trail.start()
        except FileExistsError:
            continue  # another command took that file
        except OSError as fault:
            raise BadStart(f"The audit log in {path} can't be written: {fault.strerror}.") from None
        trail.put(lambda: record)
        trail.close()
        if trail.is_lost:
            raise BadStart(f"The audit log in {path} can't be written.")
        return
    raise BadStart(f"The audit log in {path} can't be written: too many commands run.")


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""
