"""Where connections to a lane's process are left, whether it runs or not.

A pair of sockets made before the first fork, which outlives every process that uses it. A worker makes a stream for
itself and leaves the other end here; whoever looks after the lane sees that something waits and starts the process,
which takes it. So nothing is lost where a lane ends, dies, or starts again meanwhile.
"""

import socket


class Door:
    """`waiting` is a file descriptor that can be read while a connection waits here."""

    def __init__(self) -> None:
        self._leaving, self._taking = socket.socketpair()
        self._leaving.setblocking(False)
        self._taking.setblocking(False)

    @property
    def waiting(self) -> int:
        return self._taking.fileno()

    def leave(self) -> socket.socket:
        """The near end of a new stream to the lane. Raises OSError if there is no room for one."""
        near, far = socket.socketpair()
        try:
            socket.send_fds(self._leaving, [b"c"], [far.fileno()])
        except OSError:
            near.close()
            raise
        finally:
            far.close()
        near.setblocking(False)
        return near

    def take(self) -> socket.socket | None:
        """The far end of the stream that was left first; None if there is none."""
        try:
            _, found, _, _ = socket.recv_fds(self._taking, 1, 1)
        except BlockingIOError:
            return None
        if not found:  # there was no descriptor left to take it with: its near end sees that it is closed
            return None
        far = socket.socket(fileno=found[0])
        far.setblocking(False)
        return far

    def close(self) -> None:
        self._leaving.close()
        self._taking.close()
