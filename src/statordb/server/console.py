"""The console's process: begins with the first connection to its port, ends when nobody is signed in any more."""

import asyncio
import logging
import os
import signal
import socket
from typing import Any, NamedTuple

from statordb import __version__
from statordb.runtime.peers import is_ours
from statordb.server.composition import Site
from statordb.server.heartbeat import Heartbeat
from statordb.server.process import Link
from statordb.server.sockets import port_of, url

LOOK_SECONDS = 15.0
LOOPBACK = "127.0.0.1"


class _Connected(NamedTuple):
    """A connection as `runtime.peers` asks for it."""

    client: tuple[str, int]
    server: tuple[str, int]

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.client[0] else socket.AF_INET

    def getpeername(self) -> tuple[str, int]:
        return self.client

    def getsockname(self) -> tuple[str, int]:
        return self.server


def _is_own(client: Any, server: Any) -> bool:
    """Whether the server's own user is at the other end: an open console would lend others that user's rights."""
    return client is not None and server is not None and is_ours(_Connected(client, server))


def run_console(site: Site, link: Link) -> int:
    """Show pages until nobody looks at them."""
    assert site.console_listener is not None
    site.close_entrances()
    site.close_launcher()
    # What botocore would read of this user's has nothing to do with who signs in.
    os.environ.update(
        AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_EC2_METADATA_DISABLED="true"
    )
    for name in [name for name in os.environ if name.startswith("AWS_") and name.endswith(("_BUNDLE", "_PROFILE"))]:
        del os.environ[name]
    asyncio.run(_serve(site, link, site.console_listener))
    return 0


async def _serve(site: Site, link: Link, listener: socket.socket) -> None:
    import uvicorn  # only this process needs it, and few servers have one

    from statordb.console.app import Console, Surroundings
    from statordb.console.limits import CONNECTIONS_MAX

    settings = site.settings
    is_open = settings.auth == "open"
    console = Console(
        Surroundings(
            endpoint=site.console_endpoint,
            is_open=is_open,
            account=settings.account,
            admin=url(settings.admin_host, port_of(site.admin_listener)),
            version=__version__,
            hosts=settings.names - {settings.host.lower()},
            is_own=_is_own if is_open else None,
        )
    )
    loop = asyncio.get_running_loop()
    link.watch(loop)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        console.app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    Heartbeat(site.roster, site.roster.console).start()
    site.roster.ready(site.roster.console, os.getpid())
    ending = asyncio.create_task(_end_when_empty(console.sessions.count, server))
    loop.add_signal_handler(signal.SIGTERM, lambda: setattr(server, "should_exit", True))
    await server.serve(sockets=[listener.dup()])
    ending.cancel()


async def _end_when_empty(count: Any, server: Any) -> None:
    """Nobody has to be signed in for EMPTY_SECONDS before the process goes: its memory is worth more."""
    from statordb.console.limits import EMPTY_SECONDS

    empty = 0.0
    while empty < EMPTY_SECONDS:
        await asyncio.sleep(LOOK_SECONDS)
        empty = 0.0 if count() else empty + LOOK_SECONDS
    server.should_exit = True
