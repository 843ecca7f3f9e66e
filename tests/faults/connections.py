"""Cutting another process's TCP connections from outside: its sockets are shut, and it finds out as it would of a peer.

Linux 5.6 or newer, and the right to trace that process.
"""

import ctypes
import errno
import os
import socket
from pathlib import Path

PIDFD_GETFD = 438  # the system call's number, on every architecture
ESTABLISHED = "01"
_libc = ctypes.CDLL(None, use_errno=True)


def cut(pid: int, port: int) -> int:
    """Shut every connection of a process whose own or whose peer's port is this one; how many there were."""
    inodes = _established(pid, port)
    count = 0
    for descriptor, inode in _sockets(pid).items():
        if inode in inodes:
            count += _shut(pid, descriptor)
    return count


def _established(pid: int, port: int) -> set[str]:
    """Inodes of the connections with this port, as the process's network sees them."""
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue  # the process is gone, or there is no IPv6
        for line in lines:
            fields = line.split()
            ports = {int(address.rpartition(":")[2], 16) for address in fields[1:3]}
            if fields[3] == ESTABLISHED and port in ports:
                found.add(fields[9])
    return found


def _sockets(pid: int) -> dict[int, str]:
    """Inode of each socket of a process, by descriptor; what is closed while we look is left out."""
    found = {}
    for entry in _listed(Path(f"/proc/{pid}/fd")):
        try:
            target = os.readlink(entry)
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            found[int(entry.name)] = target[8:-1]
    return found


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _shut(pid: int, descriptor: int) -> bool:
    """Whether the connection was there to be shut. Raises OSError where this process may not do it."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        copy = _libc.syscall(PIDFD_GETFD, process, descriptor, 0)
        if copy < 0:
            reason = ctypes.get_errno()
            if reason in (errno.EBADF, errno.ESRCH):
                return False
            raise OSError(reason, os.strerror(reason))
    finally:
        os.close(process)
    with socket.socket(fileno=copy) as shared:
        try:
            shared.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            if error.errno != errno.ENOTCONN:
                raise
            return False
    return True
