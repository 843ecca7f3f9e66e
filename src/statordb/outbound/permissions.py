"""Where this server may send to on behalf of those who ask it: what the settings name, and nothing else.

Whoever sets a destination has the server call it, from where the server stands and with what it signs by. So a
destination is judged when it is set and again when something is sent, since settings change; and addresses are judged
after names have been resolved, since names change their meaning.

An entry of the settings is one of

| form | allows |
|---|---|
| `any` | everything but addresses of the link's own (an instance's metadata service is one) |
| `http://HOST[:PORT][/PATH]`, `https://...` | that server, and paths below PATH; also behind `sqs+` and `sns+` |
| `arn:aws:SERVICE:REGION:ACCOUNT:NAME` | queues, topics and data streams; `*` stands for anything in it |
| `file:///directory` | that directory, and those below it |
"""

import fnmatch
import ipaddress
import os
import socket
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

ANY = "any"
PORTS = {"http": 80, "https": 443}
SIGNED = ("sqs+", "sns+")  # before a URL: what is sent there is signed
LOCAL_NAMES = ("localhost",)


class NotAllowed(ValueError):
    """The settings do not let the server send there; args[0] is a sentence."""


class _Site(NamedTuple):
    """An entry that names a server, and perhaps a path there."""

    scheme: str
    host: str
    port: int
    path: str

    def holds(self, parts: SplitResult) -> bool:
        path = parts.path or "/"
        return (
            _origin(parts) == self[:3]
            and ".." not in unquote(path).split("/")
            and (path == self.path or path.startswith(self.path.rstrip("/") + "/"))
        )


class Permissions:
    """What the entries allow. Raises ValueError with the end of a sentence for one that has none of the forms."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._any = ANY in entries
        self._sites: list[_Site] = []
        self._arns: list[str] = []
        self._directories: list[str] = []
        for entry in entries:
            self._take(entry)

    def _take(self, entry: str) -> None:
        scheme = entry.partition(":")[0]
        if scheme in PORTS and _has_host(entry):
            parts = urlsplit(entry)
            self._sites.append(_Site(*_origin(parts), parts.path or "/"))
        elif scheme == "arn" and entry.count(":") >= 5:
            self._arns.append(entry)
        elif entry.startswith("file:///"):
            self._directories.append(_real(entry))
        elif entry != ANY:
            raise ValueError("has something that is neither any, nor http(s)://..., arn:... or file:///directory")

    def check(self, destination: str) -> None:
        """Raises NotAllowed. `destination`: see Destinations; or the ARN of a data stream, or `file://` and a path."""
        if not self._any and not self._names(destination):
            raise NotAllowed(f"{destination} is not among the destinations that this server's settings allow.")

    def names(self, url: str) -> bool:
        """Whether the settings name a server: only there the server's own credentials sign."""
        return _has_host(url) and any(site.holds(urlsplit(url)) for site in self._sites)

    def check_address(self, url: str, address: str) -> None:
        """Raises NotAllowed for an address that the host of a URL has, and that nothing is to be sent to."""
        found = ipaddress.ip_address(address.partition("%")[0])
        mapped = getattr(found, "ipv4_mapped", None)
        found = mapped or found
        host = (urlsplit(url).hostname or "").lower()
        is_literal = host in LOCAL_NAMES or host.endswith(".localhost") or _is_address(host)
        if is_literal and self.names(url):
            return  # it is this address that the settings name
        if found.is_link_local or found.is_multicast or ((found.is_loopback or found.is_unspecified) and not self._any):
            raise NotAllowed(f"{host} has the address {found}, which this server's settings do not allow.")

    def check_host(self, url: str) -> None:
        """The same for all addresses that the host has now. Raises NotAllowed, OSError. Blocks."""
        parts = urlsplit(url)
        for found in socket.getaddrinfo(parts.hostname, parts.port or PORTS[parts.scheme], type=socket.SOCK_STREAM):
            self.check_address(url, str(found[4][0]))

    def _names(self, destination: str) -> bool:
        for prefix in SIGNED:
            destination = destination.removeprefix(prefix)
        if destination.startswith("file://"):
            return self._has_directory(_real(destination))
        if destination.startswith("arn:"):
            return any(fnmatch.fnmatchcase(destination, entry) for entry in self._arns)
        return self.names(destination)

    def _has_directory(self, path: str) -> bool:
        return any(path == each or path.startswith(each.rstrip("/") + "/") for each in self._directories)


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, (parts.hostname or "").lower(), parts.port or PORTS[parts.scheme]


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _real(destination: str) -> str:
    """The directory that a file URL means, where all links lead."""
    return os.path.realpath(unquote(urlsplit(destination).path))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


EVERYTHING = Permissions((ANY,))
