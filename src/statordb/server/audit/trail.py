"""Writes the audit log: a bounded queue, and a thread that empties it, so that no request waits for a disk."""

import contextlib
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from statordb.server.audit import chain

QUEUED_MAX = 20_000  # entries; some megabytes
STRANGERS_QUEUED_MAX = QUEUED_MAX // 2  # beyond, only what known clients do is kept
WRITTEN_MAX = 1000  # entries in one go
FILE_BYTES_MAX = 64 * 1024 * 1024  # then the next one begins
MODE, DIRECTORY_MODE = 0o600, 0o700

log = logging.getLogger(__name__)

Record = Mapping[str, Any]
Make = Callable[[], Record]
"""Makes an entry; called in the thread."""


class Trail:
    """The chain of one process. `start` it behind the last fork; `close` it to have all written.

    is_lost  whether the last entries could not be kept: the disk refused them, or too many waited.
    """

    def __init__(self, directory: Path, name: str, file_bytes_max: int = FILE_BYTES_MAX) -> None:
        self._directory = directory
        self._name = name
        self._file_bytes_max = file_bytes_max
        self._queue: deque[Make] = deque()
        self._wake = threading.Event()
        self._closed = False
        self._dropped = 0
        self._descriptor = -1
        self._size = 0
        self._end = chain.End(0, chain.START)
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self.is_lost = False

    def start(self) -> None:
        """Raises OSError where the log can't be written at all."""
        self._directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        self._end = chain.end_of(self._directory, self._name)
        self._open_next()
        self._thread.start()

    def put(self, make: Make, is_strange: bool = False) -> None:
        """Keep an entry. `is_strange`: of somebody who was not let in, and who could fill the queue."""
        waiting = len(self._queue)
        if waiting >= (STRANGERS_QUEUED_MAX if is_strange else QUEUED_MAX):
            self._dropped += 1
            self.is_lost = self.is_lost or not is_strange
            return
        self._queue.append(make)
        if not self._wake.is_set():
            self._wake.set()

    def wake(self) -> None:
        """Have the disk be tried again."""
        self._wake.set()

    def close(self) -> None:
        """Blocks until all is written that can be."""
        self._closed = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        is_last = False
        while not is_last:
            self._wake.wait()
            self._wake.clear()
            is_last = self._closed
            self._write_waiting()
            while self._queue:
                self._write_waiting()
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def _write_waiting(self) -> None:
        """Write what waits, in one go. What the disk refuses is lost, and told once it takes something again."""
        lines, end, count = [], self._end, 0
        if self._size == 0 and end.number > 1 and self._queue:
            line, last = chain.linked(end.hash, chain.continues(end.hash))
            lines.append(line)
            end = chain.End(end.number, last)
        while self._queue and count < WRITTEN_MAX:
            count += 1
            line, last = chain.linked(end.hash, _text(self._queue.popleft()))
            lines.append(line)
            end = chain.End(end.number, last)
        dropped, self._dropped = self._dropped, 0
        if dropped:
            line, last = chain.linked(end.hash, orjson.dumps({"eventName": "EventsLost", "count": dropped}))
            lines.append(line)
            end = chain.End(end.number, last)
        if not lines and not self.is_lost:
            return
        try:
            if self._size >= self._file_bytes_max:
                self._open_next()
            self._write(b"".join(lines))
            self._end = self._end._replace(hash=end.hash)
            self.is_lost = False
        except OSError as fault:
            if not self.is_lost:
                log.error("the audit log can't be written", extra={"reason": str(fault)})
            self._dropped += count + dropped
            self.is_lost = True

    def _write(self, data: bytes) -> None:
        """Whole or not at all, as far as the disk lets us undo it."""
        try:
            written = 0
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
            os.fdatasync(self._descriptor)
            self._size += len(data)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise

    def _open_next(self) -> None:
        number = self._end.number + 1
        path = chain.path_of(self._directory, self._name, number)
        opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._size = opened, 0
        self._end = chain.End(number, self._end.hash)


def _text(make: Make) -> bytes:
    try:
        return orjson.dumps(make())
    except Exception as fault:  # an entry that can't be made must not end the thread, nor pass in silence
        log.exception("an entry of the audit log could not be made")
        return orjson.dumps({"eventName": "EventNotReadable", "reason": type(fault).__name__})
