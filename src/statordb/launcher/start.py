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


def prepare(users: Users, server: int) -> Cgroups | None:
    """Have the users, and give up what is not needed. `server`: the user of the server. Raises CannotBegin."""
    if sys.platform != "linux":
        raise CannotBegin("Functions can be kept apart only on Linux.")
    absent = rights.missing(Path("/proc/self/status").read_text())
    if absent:
        raise CannotBegin(f"Starting functions as users of their own needs {', '.join(absent)}, as root has.")
    try:
        hold(users, server)  # for as long as this process lives
    except NotFree as fault:
        raise CannotBegin(*fault.args) from None
    groups = Cgroups.find(settles=True)
    rights.keep_only(rights.NEEDED.values())
    os.chdir("/")
    return groups


def serve_starter(control: socket.socket, users: Users, server: int) -> None:
    """Serve the server that has started this process, until that is gone.

    It is told whether this can be, and tells then, once and before it takes any request, where functions' code and
    files are.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        groups = prepare(users, server)
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
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        os.chown(path, server, -1)
        os.chmod(path, PRIVATE)
        listener.listen(WAITING_MAX)
        listener.setblocking(False)
        groups = prepare(users, server)
    except OSError as fault:
        raise CannotBegin(f"The socket {path} can't be made: {fault.strerror}.") from None
    Service(Listening(listener), Means(users, server, directory, code, Programs.find(), groups), True).run()
