"""What TLS is done with: files, read again when they have changed."""

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 10.0  # between two looks at the files

Facts = tuple[tuple[int, int, int] | None, ...]
"""Of each file: when it was changed, its size and its number; None if it is not there."""

log = logging.getLogger(__name__)


class Unusable(Exception):
    """The files can't be used; args[0] is one sentence for people."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files in PEM form: the certificate with those between it and its authority, its key (perhaps the same file), and
    the authorities of clients, who need a certificate then (None: they need none).

    authority  what clients need to know to trust the certificate, where the server has made it itself.
    """

    certificate: Path
    key: Path
    client_authorities: Path | None = None
    authority: Path | None = None

    def context(self) -> ssl.SSLContext:
        """What connections are encrypted by: TLS 1.2 and 1.3. Raises Unusable."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self.certificate, self.key, _no_password)
        except OSError as error:  # which ssl.SSLError is too
            raise Unusable(
                f"The certificate {self.certificate} with the key {self.key} can't be used: {_reason(error)}."
            ) from None
        except Unusable:
            raise Unusable(f"The key {self.key} is protected by a password, which nobody could enter.") from None
        if self.client_authorities is not None:
            try:
                context.load_verify_locations(self.client_authorities)
            except OSError as error:
                raise Unusable(
                    f"The authorities of clients {self.client_authorities} can't be used: {_reason(error)}."
                ) from None
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def facts(self) -> Facts:
        """What differs once a file was changed or replaced."""
        paths = (self.certificate, self.key, self.client_authorities)
        return tuple(None if path is None else _facts(path) for path in paths)


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "it is not in PEM form").replace("_", " ").lower()
    return (error.strerror or type(error).__name__).lower()


def _no_password() -> str:
    raise Unusable


def _facts(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Watched:
    """What new connections are encrypted by. `look`, called every LOOK_SECONDS, takes files that have changed; files
    that can't be used, as when only one of two has been replaced, leave everything as it is until they change again.

    Make it before processes are forked: they then take up each other's sessions. Raises Unusable when it is made.
    """

    def __init__(self, files: TlsFiles) -> None:
        self.files = files
        self._facts = files.facts()
        self._context = files.context()

    def __call__(self) -> ssl.SSLContext:
        return self._context

    def look(self) -> None:
        facts = self.files.facts()
        if facts == self._facts:
            return
        self._facts = facts
        try:
            self._context = self.files.context()
        except Unusable as error:
            log.error("certificate could not be renewed", extra={"reason": str(error.args[0])})
            return
        log.info("certificate renewed", extra={"certificate": str(self.files.certificate)})
