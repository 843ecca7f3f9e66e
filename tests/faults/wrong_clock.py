"""`statordb` on a machine whose clock is wrong, and may go wrong further while it runs.

    python -m tests.faults.wrong_clock FILE serve ...

FILE holds by how many seconds the clock is ahead, as one native double. All processes of the server have it mapped.
"""

import mmap
import struct
import sys
import time
from pathlib import Path

_DOUBLE = struct.Struct("d")


class Offset:
    """By how many seconds the clock of a server is ahead."""

    def __init__(self, path: Path, seconds: float = 0.0) -> None:
        self.path = path
        path.write_bytes(_DOUBLE.pack(seconds))

    def set(self, seconds: float) -> None:
        with self.path.open("r+b") as file:
            file.write(_DOUBLE.pack(seconds))


def command(offset: Offset) -> list[str]:
    """In the place of `statordb`."""
    return [sys.executable, "-m", "tests.faults.wrong_clock", str(offset.path)]


def main() -> int:
    with Path(sys.argv.pop(1)).open("rb") as file:
        offset = mmap.mmap(file.fileno(), _DOUBLE.size, access=mmap.ACCESS_READ)
    right = time.time

    def wrong() -> float:
        seconds: float = _DOUBLE.unpack_from(offset)[0]
        return right() + seconds

    time.time = wrong
    from statordb.server.main import main as serve  # after that, since some keep the function

    return serve()


if __name__ == "__main__":
    sys.exit(main())
