"""Which requests are looked at, and what a browser may do with the answers.

A cookie is sent to every port of this machine and by pages of every port of it (SameSite knows no ports), so whatever
changes anything must come from a page of this very origin, by its headers and by the token of the session. A name that
is not this machine's is refused before anything else: somebody else's name may point here (DNS rebinding).
"""

import asyncio
import ipaddress
import re
from collections.abc import Callable, Collection
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from statordb.console.limits import BODY_SECONDS_MAX, FORM_BYTES_MAX, TARGET_BYTES_MAX

HEADERS = (
    (b"content-security-policy", b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
     b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # no-referrer would have browsers send the Origin null with forms
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cache-control", b"no-store"),
)  # fmt: skip
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_OWN_SITES = ("none", "same-origin")

IsOwn = Callable[[Any, Any], bool]
"""Whether a connection, by the addresses of its client and its server, comes from who may use an open server."""


class Guard:
    """Stands before the pages.

    hosts   names that the console may be called by, beside those of this machine; in lower case.
    is_own  asked for each request; None: everybody may come.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = (), is_own: IsOwn | None = None) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._is_own = is_own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name, value) for name, value in message["headers"] if name.lower() not in _NAMES]
                message["headers"] = [*own, *HEADERS]
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await PlainTextResponse(f"{refusal[1]}\n", refusal[0])(scope, receive, send_guarded)
            return
        await self._app(scope, _bounded(receive), send_guarded)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not is_own_name(hosts[0], self._hosts):
            return 403, "This Host is neither this machine nor one of allowed_hosts."
        if len(scope["raw_path"] or b"") + len(scope["query_string"]) > TARGET_BYTES_MAX:
            return 414, "This address is too long."
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, "This method is not used here."
        if self._is_own is not None and not self._is_own(scope["client"], scope["server"]):
            return 403, "Without authentication the console is open to processes of the server's own user."
        site = headers.get("sec-fetch-site")
        if scope["method"] == "POST":
            origin = headers.get("origin")
            told = origin is not None or site is not None
            if not told or site not in (None, *_OWN_SITES) or origin not in (None, *_origins(hosts[0])):
                return 403, "Forms are taken from the console's own pages alone."
        elif site not in (None, *_OWN_SITES) and headers.get("sec-fetch-mode") != "navigate":
            return 403, "Pages of other sites can't read this."
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > FORM_BYTES_MAX:
            return 413, "This form is too large."
        return None


_NAMES = frozenset(name for name, _ in HEADERS)


def _origins(host: str) -> tuple[str, str]:
    """Of pages at a Host: a proxy before the console may speak TLS."""
    return f"http://{host}", f"https://{host}"


def is_own_name(host: str, others: Collection[str] = ()) -> bool:
    """Whether a Host is an address on loopback, a name that only this machine has, or one of `others`."""
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match[1].lower().strip("[]")
    if name == "localhost" or name.endswith(".localhost") or name in others:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class TooLarge(Exception):
    """A body went on beyond its maximum, or did not arrive in time."""


def _bounded(receive: Receive) -> Receive:
    """What is received, up to FORM_BYTES_MAX."""
    left = FORM_BYTES_MAX

    async def received() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise TooLarge
        return message

    return received


async def body_of(receive: Receive) -> bytes:
    """A whole body. Raises TooLarge."""
    parts: list[bytes] = []
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            while True:
                message = await receive()
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError:
        raise TooLarge from None
