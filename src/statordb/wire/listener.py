"""Connections off a listening socket that several worker processes share.

One is accepted per wake-up, so that a burst spreads over the workers instead of going to whoever woke first.
"""

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import Callable, Sequence

from statordb.model.request import NOWHERE, Origin
from statordb.wire import encrypted
from statordb.wire.connection import Connection
from statordb.wire.context import WireContext
from statordb.wire.handshakes import HANDSHAKES_MAX, Handshakes
from statordb.wire.origin import origin_of
from statordb.wire.proxied import NotProxied, read_header

STAND_BACK_SECONDS = 0.002  # leaves a connection to another worker
EXHAUSTED_SECONDS = 0.5  # before trying again without a free file descriptor
SWEEP_SECONDS = 1.0
PROXY_HEADER_SECONDS = 5.0

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Tls = Callable[[], ssl.SSLContext]
"""Gives what a new connection is encrypted by; it may be another one each time."""

log = logging.getLogger(__name__)


def always() -> bool:
    """The `may_accept` of a worker that is alone."""
    return True


class Listener:
    """Serves a bound, listening, non-blocking socket, which stays the caller's to close.

    may_accept()  False leaves the next connection to another worker for about 2 ms.
    connections_max  for further clients those make room on which nothing goes on; if there is none, they wait.
    tls       None: nothing is encrypted.
    entrance  what the origins of all connections have in common.
    proxies   whose connections begin with a header of the PROXY protocol. Those of others must have none.
    sweeps    whether it looks after the connections of `context`, which listeners may share, once a second.
    """

    def __init__(
        self,
        listening: socket.socket,
        context: WireContext,
        *,
        may_accept: Callable[[], bool] = always,
        connections_max: int = 10_000,
        handshakes_max: int = HANDSHAKES_MAX,
        tls: Tls | None = None,
        entrance: Origin = NOWHERE,
        proxies: Sequence[Network] = (),
        sweeps: bool = True,
    ) -> None:
        self._listening = listening
        self._context = context
        self._may_accept = may_accept
        self._connections_max = connections_max
        self._handshakes_max = handshakes_max
        self._tls = tls
        self._entrance = entrance
        self._proxies = proxies
        self._sweeps = sweeps
        self._loop = asyncio.get_running_loop()
        self._handshakes = Handshakes(self._loop)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._serving = False

    def start(self) -> None:
        """Take connections from here on, and sweep them once a second."""
        self._serving = True
        self._watch()
        self._timers["sweep"] = self._loop.call_later(SWEEP_SECONDS, self._sweep)

    def change(self, entrance: Origin) -> None:
        """From now on connections come in by another `entrance`: the same one, with another policy. Those that are
        there have it from their next request on."""
        self._entrance = entrance
        for connection in self._context.connections:
            connection.change(entrance)

    def close(self) -> None:
        """Accept nothing more."""
        self._serving = False
        self._loop.remove_reader(self._listening)
        for timer in self._timers.values():
            timer.cancel()

    async def stop(self, seconds: float) -> None:
        """Accept nothing more, close idle connections, answer what is in flight; abort what is left after `seconds`.

        Of listeners that share a context, the one that sweeps is to be stopped last.
        """
        if self._serving:
            self.close()
        await self._handshakes.ended(seconds)
        if self._sweeps:
            await self._context.drain(seconds)

    def is_idle(self) -> bool:
        """Whether its context has no connections, and none come to be."""
        return not self._context.connections and not len(self._handshakes)

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
            if not self._handshakes.make_room():
                self._context.make_room()
            self._stand_back(EXHAUSTED_SECONDS)
            return
        self._handshakes.begin(self._serve(client, origin_of(self._entrance, address)))

    def _has_room(self) -> bool:
        handshakes = self._handshakes
        if len(handshakes) >= self._handshakes_max:
            return self._takes_time and handshakes.make_room()
        taken = len(self._context.connections) + len(handshakes)
        if taken < self._connections_max:
            return True
        # Those that are not there yet may be the strangers that are to go before any client is.
        return self._context.make_room(strangers_only=len(handshakes) > 0) or (
            self._takes_time and handshakes.make_room()
        )

    @property
    def _takes_time(self) -> bool:
        """Whether a connection is there only once its client has said something."""
        return self._tls is not None or bool(self._proxies)

    async def _serve(self, client: socket.socket, origin: Origin) -> None:
        tls = None if self._tls is None else self._tls()
        try:
            client.setblocking(False)
            if client.family in (socket.AF_INET, socket.AF_INET6):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._proxies and self._is_proxy(origin.address):
                origin = await self._told(client, origin)
            if tls is None:
                await self._loop.connect_accepted_socket(lambda: Connection(self._context, origin), client)
            else:
                await encrypted.accept(
                    client, lambda: Connection(self._context, origin), tls, self._context.rounds.later
                )
        except asyncio.CancelledError:
            client.close()
            raise
        except (OSError, ssl.SSLError, NotProxied, EOFError, TimeoutError):
            self._handshakes.fail()
            client.close()

    def _is_proxy(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._proxies)

    async def _told(self, client: socket.socket, origin: Origin) -> Origin:
        """The origin as the proxy tells it. Raises NotProxied, EOFError, TimeoutError."""

        async def read(count: int) -> bytes:
            found = b""
            while len(found) < count:
                data = await self._loop.sock_recv(client, count - len(found))
                if not data:
                    raise EOFError
                found += data
            return found

        async with asyncio.timeout(PROXY_HEADER_SECONDS):
            told = await read_header(read)
        return origin._replace(
            address=origin.address if told.address is None else told.address,
            secure=origin.secure or told.secure,
            client_name=told.client_name,
            tls=told.tls,
        )

    def _sweep(self) -> None:
        self._timers["sweep"] = self._loop.call_later(SWEEP_SECONDS, self._sweep)
        if self._sweeps:
            self._context.sweep()
        failed = self._handshakes.take_failed()
        if failed:
            log.info("connections failed before their first request", extra={"connections": failed})
