"""Which files TLS is done with, by the settings; and the renewal of those that the server makes itself."""

import asyncio
import datetime
import logging
import socket
from collections.abc import Callable
from pathlib import Path

from statordb.server.settings import BadStart, Settings
from statordb.server.tls.files import TlsFiles, Unusable, Watched

DIRECTORY = "tls"  # of what the server makes itself, within that of its data
RENEWAL_LOOK_SECONDS = 3600.0
EVERYWHERE = frozenset({"0.0.0.0", "::"})

log = logging.getLogger(__name__)


def tls_of(settings: Settings, directory: Path, now: float) -> Watched | None:
    """What is encrypted by, made if need be; None where TLS is not asked for. Raises BadStart.

    `directory`: of the data;  `now`: seconds since the epoch.
    """
    if settings.tls == "auto":
        from statordb.server.tls import issuing

        own = directory / DIRECTORY
        try:
            issuing.issue(own, names(settings), _moment(now))
        except (OSError, ValueError) as error:
            raise BadStart(f"The certificate in {own} can't be made or used: {error}.") from None
        server = own / issuing.SERVER_NAME
        files = TlsFiles(server, server, settings.tls_client_ca, own / issuing.AUTHORITY_NAME)
    elif settings.tls_certificate is not None and settings.tls_key is not None:
        files = TlsFiles(settings.tls_certificate, settings.tls_key, settings.tls_client_ca)
    else:
        return None
    try:
        return Watched(files)
    except Unusable as error:
        raise BadStart(str(error.args[0])) from None


def names(settings: Settings) -> frozenset[str]:
    """What the settings call the server; the machine's name too where it listens on every address."""
    told = settings.names
    if told & EVERYWHERE:
        told |= {socket.gethostname().lower()}
    return told - EVERYWHERE


class Renewal:
    """Renews the certificate that the server has made itself. `start` it in a running event loop."""

    def __init__(self, settings: Settings, directory: Path, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._directory = directory / DIRECTORY
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        if self._settings.tls == "auto":
            self._timer = asyncio.get_running_loop().call_later(RENEWAL_LOOK_SECONDS, self.run_once)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def run_once(self) -> asyncio.Future[None]:
        """Renew what is about to end, in a thread: it waits for the disk. Whoever serves sees that by itself."""
        self.start()
        return asyncio.get_running_loop().run_in_executor(None, self._renew)

    def _renew(self) -> None:
        from statordb.server.tls import issuing

        try:
            issuing.issue(self._directory, names(self._settings), _moment(self._clock()))
        except (OSError, ValueError):
            log.exception("certificate could not be made")


def _moment(now: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(int(now), datetime.UTC)
