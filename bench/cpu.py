"""Processor time of processes, from /proc."""

import os
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

LISTENING = "0A"  # the state of a socket that takes connections, in /proc/net/tcp
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def seconds(pids: Iterable[int], proc: Path = Path("/proc")) -> float:
    """What the processes have used so far, of all cores, in their own code and in the kernel on their behalf."""
    ticks = 0
    for pid in pids:
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_SECOND


def group_seconds(pid: int, proc: Path = Path("/proc")) -> float:
    """The same of all processes in the group of one."""
    group = os.getpgid(pid)
    pids = (int(each.name) for each in proc.glob("[0-9]*"))
    return seconds(each for each in pids if _group(each) == group)


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None  # it ended since it was listed


def listener(address: str, port: int, proc: Path = Path("/proc")) -> int | None:
    """The process on this machine that takes connections at an IPv4 address; None if there is none to be seen."""
    place = f"{int.from_bytes(socket.inet_aton(address), 'little'):08X}:{port:04X}"
    rows = [line.split() for line in (proc / "net" / "tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[1] == place and row[3] == LISTENING}
    for process in proc.glob("[0-9]*"):
        if any(target in sockets for target in _open_files(process)):
            return int(process.name)
    return None


def _open_files(process: Path) -> Iterator[str]:
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:
        return  # it ended, or is another user's
    for descriptor in descriptors:
        try:
            yield os.readlink(descriptor)
        except OSError:
            continue  # closed since the listing
