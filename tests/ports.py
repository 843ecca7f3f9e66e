"""A port of loopback for servers that are told its number, and may end and come again there."""

import socket


class Port:
    """Kept from all others until `close`, by a socket that is bound and does not listen.

    A server that allows addresses to be used again, as all do here, listens there beside it; while none does,
    connections are refused.
    """

    def __init__(self) -> None:
        self._kept = socket.socket()
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept.bind(("127.0.0.1", 0))
        self.number: int = self._kept.getsockname()[1]

    def __enter__(self) -> int:
        return self.number

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._kept.close()
