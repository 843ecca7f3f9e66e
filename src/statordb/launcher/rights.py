"""The rights (capabilities) of this process: linux/capability.h, linux/prctl.h, linux/securebits.h."""

import ctypes
import sys
from collections.abc import Iterable

PR_CAPBSET_DROP, PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS = 24, 28, 38
NO_ROOT = 0b11  # a program that is run as root gets no rights by that; locked
VERSION_3 = 0x20080522
NUMBERS_MAX = 64
SET_PCAP = 8
# To give files away, to end others' processes, to become another user.
NEEDED = {"CAP_CHOWN": 0, "CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7}


class RightsLeft(Exception):
    """Rights that this process must not have any more are still there."""


def missing(status: str) -> list[str]:
    """Which of those NEEDED this process does not have, by its /proc/self/status."""
    held = effective(status)
    return [name for name, number in NEEDED.items() if not held >> number & 1]


def effective(status: str) -> int:
    """The rights that count, one a bit; 0 if the text does not tell."""
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def keep_only(numbers: Iterable[int]) -> None:
    """Give up all other rights, for this process and all that it will start. Raises OSError."""
    kept = set(numbers)
    libc = ctypes.CDLL(None, use_errno=True)
    if effective(_status()) >> SET_PCAP & 1:  # else somebody has bounded them already, and they can't be bounded here
        libc.prctl(PR_SET_SECUREBITS, NO_ROOT, 0, 0, 0)
        for number in range(NUMBERS_MAX):
            if number not in kept:
                libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _set(sum(1 << number for number in kept))


def give_up_all() -> None:
    """Raises RightsLeft if any is still there after that."""
    _set(0)
    if effective(_status()):
        raise RightsLeft


def _set(mask: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    header = VERSION_3.to_bytes(4, sys.byteorder) + bytes(4)
    low, high = ((mask >> shift & 0xFFFFFFFF).to_bytes(4, sys.byteorder) for shift in (0, 32))
    if libc.capset(header, low + low + bytes(4) + high + high + bytes(4)) != 0:
        raise OSError(ctypes.get_errno(), "rights can't be given up")


def _status() -> str:
    with open("/proc/self/status") as status:
        return status.read()
