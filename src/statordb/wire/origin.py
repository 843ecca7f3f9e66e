"""Where a connection comes from."""

import asyncio
import ipaddress
from typing import Any

from statordb.model.request import Origin

MAPPED = "::ffff:"  # of an IPv4 address, as a socket for both kinds tells it
_NAMES = ("URI", "DNS", "email")  # of a certificate that has no common name, in the order of preference


def origin_of(entrance: Origin, address: Any) -> Origin:
    """The origin of a connection accepted from `address`, as its socket tells it. `entrance`: what all that come in
    there have in common."""
    return entrance._replace(address=plain_address(address[0])) if isinstance(address, tuple) else entrance


class Origins:
    """Of the requests of one connection, which differ in what the client says of itself, if it says that anew."""

    __slots__ = ("_agent", "_begin", "_headers", "_last", "_referer")

    def __init__(self, origin: Origin) -> None:
        self.begin(origin)

    def begin(self, origin: Origin) -> Origin:
        """From now on all have this one, and what the client says. Returns it."""
        self._begin = self._last = origin
        self._headers: object = None  # the last ones: clients that repeat themselves come with the same
        self._agent: bytes | None = None
        self._referer: bytes | None = None
        return origin

    def of(self, headers: dict[bytes, bytes]) -> Origin:
        """`headers`: complete, they don't change any more."""
        if headers is self._headers:
            return self._last
        self._headers = headers
        agent, referer = headers.get(b"user-agent"), headers.get(b"referer")
        if agent != self._agent or referer != self._referer:
            self._agent, self._referer = agent, referer
            told = [(text or b"").decode("latin-1") for text in (agent, referer)]
            self._last = self._begin._replace(agent=told[0], referer=told[1])
        return self._last


def plain_address(text: str) -> str:
    """An IP address in its usual form: without its zone, and one of IPv4 as such."""
    text = text.partition("%")[0]
    if not text.startswith(MAPPED):
        return text
    mapped = ipaddress.IPv6Address(text).ipv4_mapped
    return text if mapped is None else str(mapped)


def with_client(origin: Origin, transport: asyncio.BaseTransport) -> Origin:
    """The origin of a connection that is there; its client may have shown a certificate, which has been verified."""
    if not origin.secure:
        return origin
    encrypted = transport.get_extra_info("ssl_object")
    if encrypted is None:
        return origin
    cipher = encrypted.cipher()
    origin = origin._replace(tls=(encrypted.version() or "", cipher[0] if cipher else ""))
    certificate = transport.get_extra_info("peercert")
    return origin._replace(client_name=_name(certificate)) if certificate else origin


def _name(certificate: dict[str, Any]) -> str | None:
    """Its subject's common name, else the first of its other names."""
    for part in certificate.get("subject", ()):
        for kind, value in part:
            if kind == "commonName" and value:
                return str(value)
    others = certificate.get("subjectAltName", ())
    for wanted in _NAMES:
        for kind, value in others:
            if kind == wanted:
                return str(value)
    return None
