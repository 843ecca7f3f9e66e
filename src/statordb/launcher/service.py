"""The launcher's process: one server at a time, by whatever way that comes."""

import os
import selectors
import signal
import socket
import struct
from collections.abc import Callable
from typing import Protocol

from statordb.launcher import ending
from statordb.launcher.session import Means, Session, SessionEnded

WAITING_MAX = 8  # connections
_PEER = struct.Struct("3i")  # struct ucred: process, user, group
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Door(Protocol):
    """Where servers come from."""

    def fileno(self) -> int: ...

    def take(self) -> socket.socket | None:
        """The connection of one; None if there was none. Raises DoorClosed."""


class DoorClosed(Exception):
    """Nobody will come any more."""


class Inherited:
    """The launcher was started by the server, which sends one end of a pair of sockets for each connection."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control

    def fileno(self) -> int:
        return self._control.fileno()

    def take(self) -> socket.socket | None:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
        except OSError:
            raise DoorClosed from None
        if not message:
            raise DoorClosed
        return socket.socket(fileno=descriptors[0]) if descriptors else None


class Listening:
    """The launcher is a service of its own, with a socket in the file system."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener

    def fileno(self) -> int:
        return self._listener.fileno()

    def take(self) -> socket.socket | None:
        try:
            return self._listener.accept()[0]
        except OSError:  # it went away again
            return None


class Service:
    """Serves until the door is closed, or SIGTERM; then nothing is left of what it has started."""

    def __init__(self, door: Door, means: Means, ends_by_signal: bool) -> None:
        self._door = door
        self._means = means
        self._selector = selectors.DefaultSelector()
        self._session: Session | None = None
        self._connection: socket.socket | None = None
        self._wake, waking = os.pipe()
        for end in (self._wake, waking):
            os.set_blocking(end, False)
        for number in SIGNALS:
            # A server that ends tells so itself: who asks the whole group to end does not mean its launcher first.
            signal.signal(number, (lambda number, frame: None) if ends_by_signal else signal.SIG_IGN)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)

    def run(self) -> None:
        ending.end_range(self._means.users)
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._selector.register(self._door.fileno(), selectors.EVENT_READ)
        try:
            while self._turn():
                pass
        finally:
            self._end_session()
            ending.end_range(self._means.users)

    def _turn(self) -> bool:
        """Wait for something and do it. False: there will be nothing more."""
        came = [key for key, _ in self._selector.select()]
        for key in came:
            if key.data is not None:
                self._act(key.fd, key.data)
        for key in came:
            if key.fd == self._wake:
                return False
            if key.fd == self._door.fileno():
                try:
                    self._admit(self._door.take())
                except DoorClosed:
                    return False
        return True

    def _act(self, descriptor: int, act: Callable[[], None]) -> None:
        key = self._selector.get_map().get(descriptor)
        if key is None or key.data is not act:  # what came before it in this turn has let go of it
            return
        try:
            act()
        except SessionEnded:
            self._end_session()

    def _admit(self, connection: socket.socket | None) -> None:
        """Let the server's own processes in, one at a time."""
        if connection is None:
            return
        if self._connection is not None and _is_gone(self._connection):
            self._end_session()
        if self._session is not None or not _is_of(connection, self._means.server):
            connection.close()
            return
        connection.setblocking(False)
        self._connection = connection
        self._session = Session(connection, self._means, self._watch, self._unwatch)
        self._watch(connection.fileno(), self._session.receive)

    def _watch(self, descriptor: int, act: Callable[[], None]) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, act)

    def _unwatch(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)

    def _end_session(self) -> None:
        session, connection = self._session, self._connection
        self._session = self._connection = None
        if session is not None and connection is not None:
            self._selector.unregister(connection)
            session.close()


def _is_of(connection: socket.socket, user: int) -> bool:
    """Whether a process of that user made the connection."""
    try:
        told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    except OSError:
        return False
    return connection.family == socket.AF_UNIX and bool(_PEER.unpack(told)[1] == user)


def _is_gone(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
