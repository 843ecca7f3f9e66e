"""What functions print: read from their pipes all the time, kept in a bounded file for each function."""

import asyncio
import logging
import math
import os
from pathlib import Path

from statordb.model.invocation import LOG_TAIL_BYTES_MAX

LOG_FILE_BYTES_MAX = 10 * 1024 * 1024  # then it becomes NAME.log.1, in place of the one before
OUTPUT_BYTES_PER_SECOND_MAX = 32 * 1024 * 1024  # of one process; it waits for the next second beyond that
CHUNK_BYTES = 64 * 1024  # what a pipe holds
DRAIN_BYTES_MAX = 1024 * 1024  # read in one go at the end of an invocation

log = logging.getLogger(__name__)


class LogFile:
    """The log of one function, appended to by all its instances."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._size = 0
        self._failed = False

    def write(self, data: bytes) -> None:
        """Append. A disk that is full or gone is told once and costs the log, never the function."""
        try:
            if self._descriptor < 0:
                self._open()
            elif self._size + len(data) > LOG_FILE_BYTES_MAX:
                self._rotate()
            self._size += os.write(self._descriptor, data)
            self._failed = False
        except OSError as fault:
            if not self._failed:
                log.warning("a function's log can't be written", extra={"path": str(self._path), "fault": str(fault)})
            self._failed = True

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        self.close()
        self._path.replace(self._path.with_name(self._path.name + ".1"))
        self._open()


def report_line(request_id: str, elapsed_ms: float, memory_mb: int, used_mb: int, init_ms: float | None) -> str:
    """Lambda's last line of an invocation's log, up to where a status may follow."""
    parts = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {elapsed_ms:.2f} ms",
        f"Billed Duration: {math.ceil(elapsed_ms)} ms",
        f"Memory Size: {memory_mb} MB",
        f"Max Memory Used: {used_mb} MB",
    ]
    if init_ms is not None:
        parts.append(f"Init Duration: {init_ms:.2f} ms")
    return "\t".join(parts) + "\t"


class Output:
    """Reads what one process prints into the log file, and keeps the end of it for the invocation's `log_tail`."""

    def __init__(self, descriptor: int, file: LogFile) -> None:
        self._loop = asyncio.get_running_loop()
        self._descriptor = descriptor
        self._file = file
        self._tail = bytearray()
        self._fresh_line = True
        self._second_ends = 0.0
        self._left = 0  # bytes, in this second
        self._loop.add_reader(descriptor, self._readable)

    def mark(self, line: str) -> None:
        """Put a line of our own in."""
        data = line.encode()
        self._keep(data if self._fresh_line else b"\n" + data)

    def drain(self) -> None:
        """Take what the process has printed up to now, so that it stands before what is marked next."""
        taken = 0
        while self._descriptor >= 0 and taken < DRAIN_BYTES_MAX:
            count = self._read()
            if not count:
                return
            taken += count

    def take_tail(self) -> bytes:
        """The end of what came since the last call, at most LOG_TAIL_BYTES_MAX."""
        tail = bytes(self._tail[-LOG_TAIL_BYTES_MAX:])
        self._tail.clear()
        return tail

    def close(self) -> None:
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _readable(self) -> None:
        now = self._loop.time()
        if now >= self._second_ends:
            self._second_ends = now + 1.0
            self._left = OUTPUT_BYTES_PER_SECOND_MAX
        self._left -= self._read()
        if self._left <= 0 and self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            self._loop.call_at(self._second_ends, self._resume)

    def _resume(self) -> None:
        if self._descriptor >= 0:
            self._loop.add_reader(self._descriptor, self._readable)

    def _read(self) -> int:
        """Read once; how many bytes."""
        try:
            data = os.read(self._descriptor, CHUNK_BYTES)
        except BlockingIOError:
            return 0
        if data:
            self._keep(data)
        else:
            self.close()  # the process has closed its end
        return len(data)

    def _keep(self, data: bytes) -> None:
        self._file.write(data)
        self._fresh_line = data.endswith(b"\n")
        self._tail += data
        if len(self._tail) > CHUNK_BYTES:
            del self._tail[:-LOG_TAIL_BYTES_MAX]
