"""TLS around a connection, of which no record holds up others.

Event loops read as much at once as there is, up to 256 KiB, and open all records in it before anybody else is served.
A record may have one byte: 11,000 records, a tenth of a second on the loop, for anybody who can shake hands. So this
reads little at once. asyncio's own protocol lets that be said, uvloop's does not; a request takes as long by either.
"""

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from socket import socket

READ_BYTES_MAX = 32 * 1024  # at once, of what is encrypted; also what each connection holds for that
HANDSHAKE_SECONDS = 10
SHUTDOWN_SECONDS = 2  # for the peer to say goodbye too


class Encrypted(SSLProtocol):
    """Between a transport and a connection that speaks TLS."""

    max_size = READ_BYTES_MAX


async def accept(client: socket, protocol: Callable[[], asyncio.Protocol], context: ssl.SSLContext) -> None:
    """Shake hands, and have the protocol served. Raises OSError, which ssl.SSLError is too; `client` is closed then."""
    loop = asyncio.get_running_loop()
    is_there: asyncio.Future[None] = loop.create_future()

    def made() -> Encrypted:
        return Encrypted(
            loop,
            protocol(),
            context,
            is_there,
            server_side=True,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=SHUTDOWN_SECONDS,
        )

    transport, _ = await loop.connect_accepted_socket(made, client)
    try:
        await is_there
    except BaseException:
        transport.abort()
        raise
