"""How a launcher begins: as root, which it stays, with none of root's rights but those that it needs."""

import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from statordb.launcher import requests, rights
from statordb.launcher.cgroups import Cgroups
from statordb.launcher.places import Programs
from statordb.launcher.service import WAITING_MAX, Inherited, Listening, Service
from statordb.launcher.session import Means
from statordb.launcher.users import NotFree, Users, hold

CONFIGURATION_BYTES_MAX = requests.MESSAGE_BYTES_MAX
PRIVATE = 0o600  # of the socket


class CannotBegin(Exception):
    """There can be no launcher; args[0] is a sentence for people."""


def have(users: Users, server: int) -> None:
    """Have the users, as long as this process lives. `server`: the user of the server. Raises CannotBegin."""
    if sys.platform != "linux":
        raise CannotBegin("Functions can be kept apart only on Linux.")
    absent = rights.missing(Path("/proc/self/status").read_text())
    if absent:
        raise CannotBegin(f"Starting functions as users of their own needs {', '.join(absent)}, as root has.")
    try:
        hold(users, server)
    except NotFree as fault:
        raise CannotBegin(*fault.args) from None


def give_up_rights() -> Cgroups | None:
    """Keep only the rights that it takes to start functions, and what was made by the others. Raises CannotBegin."""
    groups = Cgroups.find(settles=True)
    try:
        rights.keep_only(rights.NEEDED.values())
    except OSError as fault:
        raise CannotBegin(f"The launcher can't give up root's rights: {fault.strerror}.") from None
    os.chdir("/")
    return groups


def serve_starter(control: socket.socket, users: Users, server: int) -> None:
    """Serve the server that has started this process, until that is gone.

    It is told whether this can be, and tells then, once and before it takes any request, where functions' code and
    files are.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        have(users, server)
        groups = give_up_rights()
    except CannotBegin as fault:
        control.send(requests.write({"refused": str(fault)}))
        return
    control.send(requests.write({"has_groups": groups is not None}))
    told = control.recv(CONFIGURATION_BYTES_MAX)
    if not told:  # the server could not start
        return
    directory, *code = told.decode().split("\0")
    Service(Inherited(control), Means(users, server, directory, code, Programs.find(), groups), False).run()


def serve_socket(path: Path, users: Users, server: int, directory: str, code: Sequence[str]) -> None:
    """Serve whoever of the server's user comes by a socket, until SIGTERM. Raises CannotBegin."""
    have(users, server)  # before the socket is touched, which may be that of a launcher that has them
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        os.chown(path, server, -1)
        os.chmod(path, PRIVATE)
        listener.listen(WAITING_MAX)
        listener.setblocking(False)
    except OSError as fault:
        raise CannotBegin(f"The socket {path} can't be made: {fault.strerror}.") from None
    groups = give_up_rights()
    Service(Listening(listener), Means(users, server, directory, code, Programs.find(), groups), True).run()
