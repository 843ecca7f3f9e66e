"""Which requests that a web page can make a browser send are taken.

A browser names the page's site in Origin, and lets the page read an answer that names it back (CORS). Where signatures
are not checked, the Origin decides whether a request is taken at all, and so does the name that it is for: a stranger
can have a name of theirs point at this machine (DNS rebinding), and their page is then of the server's own origin.

Names that the Internet does not have are taken too: containers and hosts files give servers such ones. A stranger on
the network of this machine might answer for one of them, but not get a request past its Origin: browsers send one with
every POST, and nothing else is done here for anybody.

Pages of this machine are let in unasked: without authentication, any program of this machine is.
"""

import ipaddress
import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.wire.keyring import remember

ANY = "*"  # all origins
EXPOSED = "Access-Control-Expose-Headers: x-amzn-requestid,x-amzn-errortype,x-amzn-errormessage,date\r\n"
KNOWN_MAX = 256  # origins, and hosts, whose judgement is kept
KNOWN_BYTES_MAX = 256  # of each of them

# What Fetch Metadata says of a request that the user made (none), or a page of the very same origin.
OWN_SITES = frozenset({b"none", b"same-origin"})
_LOCAL_NAMES = frozenset({"localhost", "host.docker.internal"})
# The last labels of names that nobody can have on the Internet: RFC 6761, RFC 6762, RFC 8375, and ICANN's "internal".
_PRIVATE_ENDINGS = (".internal", ".local", ".test", ".home.arpa")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]*)?")


class BrowserRules:
    """The pages and names that are let in; names are those of a Host.

    origins  of pages beside those of this machine; ANY among them: all.
    hosts    names that requests may be for, beside addresses and the names of this machine; in lower case.
    """

    def __init__(self, origins: Collection[str] = (), hosts: Collection[str] = ()) -> None:
        self._origins = frozenset(origins)
        self._hosts = frozenset(hosts)
        self._known_origins: dict[bytes, str] = {}
        self._known_hosts: dict[bytes, bool] = {}

    def cors(self, origin: bytes) -> str:
        """The header lines that let a page of an origin read the answer; "" for one that may not."""
        lines = self._known_origins.get(origin)
        if lines is None:
            lines = self._lines(origin.decode("latin-1"))
            if len(origin) <= KNOWN_BYTES_MAX:
                remember(self._known_origins, origin, lines, KNOWN_MAX)
        return lines

    def is_host(self, host: bytes) -> bool:
        """Whether a request may be for this Host: an address, a name that only this machine's network can have, or one
        of the settings."""
        known = self._known_hosts.get(host)
        if known is None:
            known = is_near_name(host.decode("latin-1").strip(), self._hosts)
            if len(host) <= KNOWN_BYTES_MAX:
                remember(self._known_hosts, host, known, KNOWN_MAX)
        return known

    def fault(self, headers: Mapping[bytes, bytes]) -> ClientError | None:
        """What is wrong with a request that nobody has signed, if a page could have sent it."""
        host = headers.get(b"host")  # which browsers always send
        if host is not None and not self.is_host(host):
            return errors.access_denied(
                "Without authentication this API is open to requests whose Host is an IP address, a name without a dot "
                "or ending in .localhost, .local, .internal, .test or .home.arpa, or one of allowed_hosts."
            )
        origin = headers.get(b"origin")
        if origin is not None:
            is_foreign = not self.cors(origin)
        else:
            is_foreign = headers.get(b"sec-fetch-site", b"none").strip().lower() not in OWN_SITES
        if is_foreign:
            return errors.access_denied(
                "Without authentication this API is open to web pages of this machine and of allowed_origins."
            )
        return None

    def _lines(self, origin: str) -> str:
        if ANY in self._origins:
            return f"Access-Control-Allow-Origin: *\r\n{EXPOSED}" if origin else ""
        if origin in self._origins or _is_of_this_machine(origin):
            return f"Access-Control-Allow-Origin: {origin}\r\nVary: Origin\r\n{EXPOSED}"
        return ""


def is_local_name(host: str, others: Collection[str] = ()) -> bool:
    """Whether a Host is an address, a name of this machine, or one of `others` (in lower case)."""
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match[1].lower()
    if name in _LOCAL_NAMES or name.endswith(".localhost") or name in others:
        return True
    return _address(name) is not None


def is_near_name(host: str, others: Collection[str] = ()) -> bool:
    """The same, or a name that is not the Internet's: one without a dot, as containers have, or of a private ending."""
    if is_local_name(host, others):
        return True
    match = _HOST.fullmatch(host)
    return match is not None and ("." not in match[1] or match[1].lower().endswith(_PRIVATE_ENDINGS))


def _is_of_this_machine(origin: str) -> bool:
    """Whether a page was loaded from this machine, by a name that nobody else can give out."""
    try:
        parts = urlsplit(origin)
        name = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in ("http", "https"):
        return False
    address = _address(name)
    return name == "localhost" or name.endswith(".localhost") or (address is not None and address.is_loopback)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
