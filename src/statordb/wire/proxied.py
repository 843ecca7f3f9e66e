"""The PROXY protocol: what a load balancer says of a connection that it passes on, before the connection's first byte.

Both versions of it. Source: HAProxy's "The PROXY protocol, versions 1 & 2", sections 2.1, 2.2 and 2.2.6.
"""

import ipaddress
import struct
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from statordb.wire.origin import plain_address

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LINE_BYTES_MIN = 15  # "PROXY UNKNOWN" and the end of the line
LINE_BYTES_MAX = 107
BINARY_BYTES_MAX = 2048  # of what follows the length: addresses, and facts of which TLS's may be long

_LOCAL, _PROXY = 0x20, 0x21  # version 2, and the command
_TCP4, _TCP6 = 0x11, 0x21
_TLS, _VERSION, _COMMON_NAME, _CIPHER = 0x20, 0x21, 0x22, 0x23
_BY_TLS = 0x01  # a bit of the facts on TLS

Read = Callable[[int], Awaitable[bytes]]
"""read(count): the next bytes, exactly so many. Raises EOFError where the connection ends before."""


class NotProxied(Exception):
    """What came is no header of the PROXY protocol."""


class Told(NamedTuple):
    """What a proxy says of a connection. `address` is None where it speaks for itself, or does not say."""

    address: str | None = None
    secure: bool = False
    client_name: str | None = None
    tls: tuple[str, ...] = ()


async def read_header(read: Read) -> Told:
    """Read the header, and no byte of what is behind it. Raises NotProxied, EOFError."""
    first = await read(LINE_BYTES_MIN)
    if first.startswith(SIGNATURE):
        head = first[len(SIGNATURE) :] + await read(1)
        command, family, size = struct.unpack(">BBH", head)
        if size > BINARY_BYTES_MAX:
            raise NotProxied
        return _binary(command, family, await read(size) if size else b"")
    if not first.startswith(b"PROXY "):
        raise NotProxied
    while not first.endswith(b"\r\n"):
        if len(first) >= LINE_BYTES_MAX:
            raise NotProxied
        first += await read(1)  # what is behind the line is not ours, and nobody says where it ends
    return _line(first[:-2])


def _line(line: bytes) -> Told:
    words = line.decode("latin-1").split(" ")
    if words[1] == "UNKNOWN":
        return Told()
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise NotProxied
    try:
        address = ipaddress.ip_address(words[2])
    except ValueError:
        raise NotProxied from None
    if address.version != (4 if words[1] == "TCP4" else 6):
        raise NotProxied
    return Told(plain_address(str(address)))


def _binary(command: int, family: int, body: bytes) -> Told:
    if command == _LOCAL:
        return Told()
    if command != _PROXY:
        raise NotProxied
    size = {_TCP4: 4, _TCP6: 16}.get(family)
    if size is None:
        return Told()
    rest = 2 * size + 4  # two addresses, two ports
    if len(body) < rest:
        raise NotProxied
    told = Told(plain_address(str(ipaddress.ip_address(body[:size]))))
    facts = _facts(body[rest:])
    tls = facts.get(_TLS)
    if tls is None or len(tls) < 5 or not tls[0] & _BY_TLS:
        return told
    more = _facts(tls[5:])
    told = told._replace(secure=True)
    if _VERSION in more:
        told = told._replace(tls=(_text(more[_VERSION]), _text(more.get(_CIPHER, b""))))
    name = more.get(_COMMON_NAME)
    if name is None or any(tls[1:5]):  # which is zero if the client's certificate was verified
        return told
    return told._replace(client_name=_text(name))


def _text(told: bytes) -> str:
    return told.decode("utf-8", "replace")


def _facts(data: bytes) -> dict[int, bytes]:
    """By type, from entries of type, length and value."""
    found: dict[int, bytes] = {}
    while data:
        if len(data) < 3:
            raise NotProxied
        kind, size = struct.unpack_from(">BH", data)
        if len(data) < 3 + size:
            raise NotProxied
        found[kind] = data[3 : 3 + size]
        data = data[3 + size :]
    return found
