"""Connections off a listening socket that several worker processes share.

One is accepted per wake-up, so that a burst spreads over the workers instead of going to whoever woke first.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

from statordb.model.request import Origin
from statordb.model.tasks import Tasks
from statordb.wire.connection import Connection
from statordb.wire.context import WireContext
from statordb.wire.origin import origin_of

STAND_BACK_SECONDS = 0.002  # leaves a connection to another worker
EXHAUSTED_SECONDS = 0.5  # before trying again without a free file descriptor
SWEEP_SECONDS = 1.0
HANDSHAKES_MAX = 1000  # connections at once that are not there yet: of TLS, and of those that came just now
TLS_HANDSHAKE_SECONDS = 20.0

log = logging.getLogger(__name__)


def always() -> bool:
    """The `may_accept` of a worker that is alone."""
    return True


class Listener:
    """Serves a bound, listening, non-blocking socket, which stays the caller's to close.

    may_accept()  False leaves the next connection to another worker for about 2 ms.
    connections_max  for further clients those make room on which nothing goes on; if there is none, they wait.
    """

    def __init__(
        self,
        listening: socket.socket,
        context: WireContext,
        *,
        may_accept: Callable[[], bool] = always,
        connections_max: int = 10_000,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._listening = listening
        self._context = context
        self._may_accept = may_accept
        self._connections_max = connections_max
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._handshakes = Tasks()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._serving = False

    def start(self) -> None:
        """Take connections from here on, and sweep them once a second."""
        self._serving = True
        self._watch()
        self._timers["sweep"] = self._loop.call_later(SWEEP_SECONDS, self._sweep)

    async def stop(self, seconds: float) -> None:
        """Accept nothing more, close idle connections, answer what is in flight; abort what is left after `seconds`."""
        self._serving = False
        self._loop.remove_reader(self._listening)
        await self._handshakes.ended(seconds)
        await self._context.drain(seconds)
        for timer in self._timers.values():
            timer.cancel()

    def _watch(self) -> None:
        if self._serving:
            self._loop.add_reader(self._listening, self._accept)

    def _stand_back(self, seconds: float) -> None:
        self._loop.remove_reader(self._listening)
        self._timers["watch"] = self._loop.call_later(seconds, self._watch)

    def _accept(self) -> None:
        if not self._may_accept() or not self._has_room():
            self._stand_back(STAND_BACK_SECONDS)
            return
        try:
            client, address = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another worker was quicker, or the client is gone
        except OSError:
            log.exception("connections can't be accepted")
            self._context.make_room()
            self._stand_back(EXHAUSTED_SECONDS)
            return
        self._handshakes.hold(self._loop.create_task(self._serve(client, origin_of(address))))

    def _has_room(self) -> bool:
        if len(self._handshakes) >= HANDSHAKES_MAX:
            return False
        taken = len(self._context.connections) + len(self._handshakes)
        if taken < self._connections_max:
            return True
        # Those that are not there yet may be the strangers that are to go before any client is.
        return self._context.make_room(strangers_only=len(self._handshakes) > 0)

    async def _serve(self, client: socket.socket, origin: Origin) -> None:
        try:
            client.setblocking(False)
            if client.family in (socket.AF_INET, socket.AF_INET6):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(
                lambda: Connection(self._context, origin),
                client,
                ssl=self._tls,
                ssl_handshake_timeout=TLS_HANDSHAKE_SECONDS if self._tls else None,
            )
        except (OSError, ssl.SSLError) as error:
            log.info("a connection failed before its first request", extra={"error": type(error).__name__})
            client.close()

    def _sweep(self) -> None:
        self._timers["sweep"] = self._loop.call_later(SWEEP_SECONDS, self._sweep)
        self._context.sweep()
