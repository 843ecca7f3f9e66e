"""TLS around a connection, of which neither a handshake nor a record holds up others.

Event loops read as much at once as there is, up to 256 KiB, and open all records in it before anybody else is served.
A record may have one byte: 11,000 records, a tenth of a second on the loop, for anybody who can shake hands. So this
reads little at once. asyncio's own protocol lets that be said, uvloop's does not; a request takes as long by either.

A handshake takes half a millisecond, or five of a long RSA key, and whoever comes may have hundreds of them ready in
one round of the loop. So each waits for its turn, as what clients send ahead does (`wire/rounds.py`).
"""

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol, SSLProtocolState
from collections.abc import Callable
from socket import socket

READ_BYTES_MAX = 32 * 1024  # at once, of what is encrypted; also what each connection holds for that
HANDSHAKE_SECONDS = 10
SHUTDOWN_SECONDS = 2  # for the peer to say goodbye too

Later = Callable[[Callable[[], None]], object]


class Encrypted(SSLProtocol):
    """Between a transport and a connection that speaks TLS."""

    max_size = READ_BYTES_MAX
    later: Later
    _waits = False

    def _do_handshake(self) -> None:
        """The next step, of which the first one, before anything was read, is nothing."""
        if not self._incoming.pending:  # type: ignore[attr-defined]  # of asyncio.sslproto, which typeshed leaves out
            super()._do_handshake()  # type: ignore[misc]
        elif not self._waits:
            self._waits = True
            self.later(self._step)

    def _step(self) -> None:
        self._waits = False
        if self._state is SSLProtocolState.DO_HANDSHAKE:  # type: ignore[attr-defined]  # it may have ended meanwhile
            super()._do_handshake()  # type: ignore[misc]


async def accept(
    client: socket, protocol: Callable[[], asyncio.Protocol], context: ssl.SSLContext, later: Later
) -> None:
    """Shake hands, and have the protocol served. `later(work)` has a step done when it is its turn.

    Raises OSError, which ssl.SSLError is too; `client` is closed then.
    """
    loop = asyncio.get_running_loop()
    is_there: asyncio.Future[None] = loop.create_future()

    def wrapped() -> Encrypted:
        made = Encrypted(
            loop,
            protocol(),
            context,
            is_there,
            server_side=True,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=SHUTDOWN_SECONDS,
        )
        made.later = later
        return made

    transport, _ = await loop.connect_accepted_socket(wrapped, client)
    try:
        await is_there
    except BaseException:
        transport.abort()
        raise
