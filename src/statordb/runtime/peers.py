"""Whose process is at the other end of a loopback connection."""

import os
import socket
import sys
from typing import Any

NO_INODE = "0"  # of a socket that no process has any more, or not yet: the kernel then names root as its user
_TABLES = {socket.AF_INET: "/proc/net/tcp", socket.AF_INET6: "/proc/net/tcp6"}


def is_ours(connected: Any) -> bool:
    """Whether the connection to this TCP socket comes from a process of this server's user, or of root.

    The Runtime API has no secret, so this keeps a machine's other users from taking a function's events. Where the
    system does not tell, everybody is taken for ours; one who has let go of the connection is not.
    """
    return is_of(connected, (os.geteuid(), 0))


def is_of(connected: Any, users: tuple[int, ...]) -> bool:
    """The same for the processes of some users, by their ids."""
    if sys.platform != "linux":
        return True
    theirs = _named(connected.family, connected.getpeername())
    ours = _named(connected.family, connected.getsockname())
    try:
        with open(_TABLES[connected.family]) as table:
            for line in table:
                fields = line.split(maxsplit=10)
                if fields[1] == theirs and fields[2] == ours:
                    return fields[9] != NO_INODE and int(fields[7]) in users
    except (FileNotFoundError, PermissionError):
        return True
    return False


def _named(family: int, address: Any) -> str:
    """An address as the kernel has it: the host's bytes as numbers of 32 bits of the machine's byte order."""
    packed = socket.inet_pton(family, address[0].partition("%")[0])
    words = (packed[start : start + 4] for start in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{address[1]:04X}"
