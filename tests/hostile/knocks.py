"""Connections that come all at once, say a little, each in its pieces, and go: of strangers, and by a proxy."""

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.hostile.storm import address
from tests.pace import HANGS_SECONDS

PROXY = "127.0.0.9"  # whose connections begin with a header of the PROXY protocol
THREADS = 2
CONNECT_SECONDS = 1.0


@dataclass(frozen=True)
class Knock:
    """What each connection of a wave of `count` says: `pieces`, one after the other, each of all connections in turn.

    `answered`: how the answer begins that all wait for then. With "" there is none, and each goes as it came.
    """

    pieces: Sequence[bytes]
    answered: str = ""
    count: int = 100
    proxied: bool = False


class Knocks:
    """Waves of connections, one after the other, from `start` to `end`. `seen`: what was answered, by how it begins."""

    def __init__(self, host: str, knock: Knock) -> None:
        self.seen: Counter[str] = Counter()
        self._address = address(host)
        self._knock = knock
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(THREADS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Returns when the last waves are over, of which there is one at least for each thread."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        self._wave()
        while not self._stop.is_set():
            self._wave()

    def _wave(self) -> None:
        knock = self._knock
        with contextlib.ExitStack() as stack:
            connections = [connection for _ in range(knock.count) if (connection := self._connect(stack))]
            for piece in knock.pieces:
                for connection in connections:
                    with contextlib.suppress(OSError):  # it was refused before
                        connection.sendall(piece)
            for connection in connections:
                self.seen[_beginning(connection, len(knock.answered))] += 1

    def _connect(self, stack: contextlib.ExitStack) -> socket.socket | None:
        source = (PROXY, 0) if self._knock.proxied else None
        try:
            connection = socket.create_connection(self._address, CONNECT_SECONDS, source)
        except OSError:
            return None  # more of them wait than may
        connection.settimeout(HANGS_SECONDS)
        return stack.enter_context(connection)


def _beginning(connection: socket.socket, size: int) -> str:
    try:
        return connection.recv(size, socket.MSG_WAITALL).decode("latin-1") if size else ""
    except OSError:
        return ""
