"""Becoming the server's user, for good, where root has started it; and what root does before that."""

import ctypes
import logging
import os
import pwd
import stat
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import statordb
from statordb.launcher import confining, rights
from statordb.runtime.launching import CannotLaunch, Named, Own
from statordb.server.directory import SUPERUSER
from statordb.server.settings import BadStart, Settings

log = logging.getLogger(__name__)


class User(NamedTuple):
    name: str
    number: int
    group: int
    home: str


def user_of(told: str) -> User:
    """A user by name, or by number, which need not have a name. Raises BadStart."""
    try:
        found = pwd.getpwuid(int(told)) if told.isdecimal() else pwd.getpwnam(told)
    except (KeyError, OverflowError):
        if not told.isdecimal():
            raise BadStart(f"There is no user {told}.") from None
        return User(told, int(told), int(told), "/")
    return User(found.pw_name, found.pw_uid, found.pw_gid, found.pw_dir)


def become(settings: Settings) -> "Own | Named | None":
    """Be the user that the settings name. Gives the way to who starts functions, if they are to be kept apart.

    Raises BadStart.
    """
    if not settings.user:
        return _named(settings)
    user = user_of(settings.user)
    if user.number == SUPERUSER:
        raise BadStart("user is root, which a server is not to be: name another.")
    if os.geteuid() not in (SUPERUSER, user.number):
        raise BadStart(f"Only root can become {user.name}: start the server as root, or as {user.name}.")
    # Asked before root is left: the answer is in a module that the user may not get to.
    made_of = (sys.executable, os.__file__, sysconfig.get_path("purelib"), statordb.__file__)
    own = None
    if os.geteuid() == SUPERUSER:
        own = _start_launcher(settings, user)
        _leave_root(user)
    elif settings.isolates and not settings.functions_launcher:
        raise BadStart(
            "functions = isolated needs somebody who may start them as other users: start the server as root, or name "
            "a launcher's socket by functions_launcher."
        )
    _check_place(made_of, own is not None)
    return own or _named(settings)


def _named(settings: Settings) -> Named | None:
    if settings.functions_launcher is None:
        return None
    way = Named(settings.functions_launcher)
    try:
        way.connect().close()
    except OSError as fault:
        raise BadStart(f"The launcher at {settings.functions_launcher} can't be reached: {fault.strerror}.") from None
    return way


def _start_launcher(settings: Settings, user: User) -> Own | None:
    if not settings.isolates or settings.functions_launcher:
        return None
    assert settings.functions_users is not None
    try:
        return Own.start(settings.functions_users, user.number)
    except CannotLaunch as fault:
        raise BadStart(*fault.args) from None


def _leave_root(user: User) -> None:
    """There is no way back: neither by a saved user, nor by a right, nor by a program that gives rights."""
    try:
        if user.name.isdecimal():
            os.setgroups([user.group])
        else:
            os.initgroups(user.name, user.group)
        os.setresgid(user.group, user.group, user.group)
        os.setresuid(user.number, user.number, user.number)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(confining.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            rights.give_up_all()
    except OSError as fault:
        raise BadStart(f"The server can't become {user.name}: {fault.strerror}.") from None
    except rights.RightsLeft:
        raise BadStart(f"The server can't become {user.name}: rights of root's are left.") from None
    os.environ.update(HOME=user.home, USER=user.name, LOGNAME=user.name)


def _check_place(made_of: Sequence[str], has_launcher: bool) -> None:
    """The server's user must get to what the server is made of; and not be able to change it, where root runs it."""
    for path in map(Path, made_of):
        closed = _closed(path)
        if closed is not None:
            raise BadStart(
                f"The server's user can't get to {path}, which the server needs, since {closed} is closed to it: "
                "install Python and StatorDB where all users get to, such as /usr or /opt."
            )
    programs = [Path(path).resolve() for path in (sys.executable, os.__file__, confining.__file__)]
    for path in programs if has_launcher else ():
        for place in (path, *path.parents):
            if os.access(place, os.W_OK) and not place.stat().st_mode & stat.S_ISVTX:
                raise BadStart(
                    f"The server's user may write to {place}, and so change what root runs to start functions: take "
                    "that right from it."
                )


def _closed(path: Path) -> Path | None:
    """The first directory on the way to `path`, or that itself, where this user does not get on."""
    path, real = path.absolute(), path.resolve()  # a link has to be got to as well as what it leads to
    for place in (*reversed(path.parents), *reversed(real.parents), real):
        if not os.access(place, os.X_OK if place.is_dir() else os.R_OK):
            return place
    return None
