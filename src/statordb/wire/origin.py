"""Where a connection comes from."""

import ipaddress
from typing import Any

from statordb.model.request import NOWHERE, Origin

MAPPED = "::ffff:"  # of an IPv4 address, as a socket for both kinds tells it


def origin_of(address: Any) -> Origin:
    """The origin of a connection accepted from `address`, as its socket tells it."""
    return Origin(plain_address(address[0])) if isinstance(address, tuple) else NOWHERE


def plain_address(text: str) -> str:
    """An IP address in its usual form: without its zone, and one of IPv4 as such."""
    if not text.startswith(MAPPED):
        return text.partition("%")[0]
    mapped = ipaddress.IPv6Address(text.partition("%")[0]).ipv4_mapped
    return text if mapped is None else str(mapped)
