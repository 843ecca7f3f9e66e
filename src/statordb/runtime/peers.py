"""Whose process is at the other end of a loopback connection."""

import os
import socket
import sys
from typing import Any


def is_ours(connected: Any) -> bool:
    """Whether the connection to this IPv4 socket comes from a process of this server's user, or of root.

    The Runtime API has no secret, so this keeps a machine's other users from taking a function's events. Where the
    system does not tell, everybody is taken for ours.
    """
    if sys.platform != "linux":
        return True
    theirs = _named(connected.getpeername())
    ours = _named(connected.getsockname())
    try:
        with open("/proc/net/tcp") as table:
            for line in table:
                fields = line.split(maxsplit=8)
                if fields[1] == theirs and fields[2] == ours:
                    return int(fields[7]) in (os.geteuid(), 0)
    except (FileNotFoundError, PermissionError):
        return True
    return True


def _named(address: tuple[str, int]) -> str:
    """An address as the kernel's table has it: the host's bytes as one number of the machine's own byte order."""
    host, port = address
    return f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"
