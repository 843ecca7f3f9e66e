"""Directories that nobody but the server's user can change: what lies there is run, or says which processes to end."""

import os
import stat
from pathlib import Path

MODE = 0o700
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class NotPrivate(Exception):
    """The directory can't be used, since another user may change what is in it; args[0] is a sentence for people."""


def make(path: Path) -> None:
    """Make the directory, or see that the one which is there is ours. Raises NotPrivate, OSError."""
    path.mkdir(mode=MODE, parents=True, exist_ok=True)
    check(path)


def check(path: Path) -> None:
    """Raises NotPrivate unless the directory, and a link to it, is ours and only we may write to it; OSError."""
    facts = path.stat()
    if path.lstat().st_uid != os.geteuid() or facts.st_uid != os.geteuid():
        raise NotPrivate(f"The directory {path} belongs to another user: functions can't be run from it.")
    if facts.st_mode & _OTHERS_WRITE:
        mode = stat.S_IMODE(facts.st_mode)
        raise NotPrivate(f"Other users may write to the directory {path} (mode {mode:04o}): make it 0700.")
