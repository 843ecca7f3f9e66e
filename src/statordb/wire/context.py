"""What all connections of one worker share: the service, limits, clocks, and the list of who is connected."""

import asyncio
import secrets
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import orjson

from statordb.model import errors
from statordb.model.function_limits import LARGE_REQUESTS_MAX, REST_REQUEST_BYTES_MAX
from statordb.model.limits import (
    HEADER_BYTES_MAX,
    HEADERS_MAX,
    KIB,
    MIB,
    PIPELINE_REQUESTS_MAX,
    REQUEST_BYTES_MAX,
    URL_BYTES_MAX,
)
from statordb.model.request import Reply, Service, error_reply
from statordb.model.rest import RestReply, RestService
from statordb.wire import rest
from statordb.wire.outbox import Defer, Outbox
from statordb.wire.reply import Heads
from statordb.wire.sigv4 import Authenticator

TARGET_PREFIX = "DynamoDB_20120810"
OPERATIONS_CACHED_MAX = 1024
TARGET_BYTES_MAX = 128
REQUEST_ID_CHARACTERS = 52
TOO_LARGE = error_reply(errors.request_too_large())
BUSY = Reply(
    429, orjson.dumps({"__type": "TooManyRequestsException", "message": "Rate exceeded"}), "TooManyRequestsException"
)
WEYL_STEP = 0x9E3779B97F4A7C15  # odd, so that its multiples meet every 64-bit number once

Observer = Callable[[str, float, int, str | None], None]
"""observe(operation, seconds, status, error code or None); the operation is "-" for what never reached the service."""


@dataclass(frozen=True, slots=True)
class WireSettings:
    """Limits and patience of the wire. Times in seconds."""

    region: str = "us-east-1"  # named by the health answer to clients that name no host
    target_prefixes: Mapping[str, str] = field(default_factory=dict)  # by operation; of all others TARGET_PREFIX
    request_bytes_max: int = REQUEST_BYTES_MAX
    unpacked_inline_bytes_max: int | None = None  # larger inside: left packed for the service; None: all is unpacked
    rest_request_bytes_max: int = REST_REQUEST_BYTES_MAX  # on the paths of the REST API
    large_requests_max: int = LARGE_REQUESTS_MAX  # of which more than request_bytes_max has come, and more will
    header_bytes_max: int = HEADER_BYTES_MAX
    headers_max: int = HEADERS_MAX
    url_bytes_max: int = URL_BYTES_MAX
    pipeline_requests_max: int = PIPELINE_REQUESTS_MAX
    idle_seconds: float = 120.0  # between requests
    head_seconds: float = 20.0  # from the first byte of a request to the end of its headers
    body_seconds: float = 30.0  # for the body, and more for as long as it comes at the least rate
    body_bytes_per_second_min: int = 16 * KIB
    write_seconds: float = 60.0  # without the peer taking anything of what waits to be sent
    linger_seconds: float = 10.0  # for a refused client to read its answer
    linger_bytes_max: int = 64 * MIB


class Peer(Protocol):
    """A connection, as the context sees it."""

    def sweep(self, now: float) -> None:
        """Act on what has taken too long. `now` is monotonic."""

    def drain(self) -> None:
        """Close: at once if idle, else after the last answer."""

    def abort(self) -> None:
        """Close without sending what waits."""


class WireContext:
    """Shared by all connections of a worker.

    rest       serves the paths of the REST API; None: they are not found. Requests there are judged by
               rest_authenticator, or authenticator where there is none.
    clock      seconds since the epoch;  monotonic: seconds of a clock that never jumps.
    request_ids an iterator of 52-character ids.
    observe    called once per answered request.
    defer      the event loop's call_soon, to hold answers until it has served what was ready; None to hold nothing.
    """

    def __init__(
        self,
        service: Service,
        authenticator: Authenticator,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        settings: WireSettings | None = None,
        request_ids: Iterator[str] | None = None,
        observe: Observer | None = None,
        defer: Defer | None = None,
        rest: RestService | None = None,
        rest_authenticator: Authenticator | None = None,
    ) -> None:
        self.service = service
        self.rest = rest
        self.rest_authenticator = rest_authenticator or authenticator
        self.outbox = Outbox(defer)
        self.authenticator = authenticator
        self.settings = settings or WireSettings()
        self.monotonic = monotonic
        self.observe = observe or ignore
        self.next_request_id = (request_ids or random_request_ids()).__next__
        self.heads = Heads(clock())
        self.headers_max = self.settings.headers_max
        self.head_bytes_unmeasured = min(self.settings.header_bytes_max, self.settings.url_bytes_max)
        self.connections: set[Peer] = set()
        self._large: set[Peer] = set()  # connections on which more than request_bytes_max of a body comes in
        self.draining = False
        self._clock = clock
        self._operations: dict[bytes, str] = {}
        self._emptied: asyncio.Future[None] | None = None

    def operation(self, target: bytes) -> str | None:
        """The operation that an X-Amz-Target names; None if its prefix is not that of an API that has it."""
        known = self._operations.get(target)
        if known is not None:
            return known
        prefix, _, name = target.decode("latin-1").strip().partition(".")
        if not name or prefix != self.settings.target_prefixes.get(name, TARGET_PREFIX):
            return None
        if len(target) <= TARGET_BYTES_MAX and len(self._operations) < OPERATIONS_CACHED_MAX:
            self._operations[target] = name
        return name

    def refuse_large(self, url: bytes, headers: Mapping[bytes, bytes], size: int) -> Reply | RestReply | None:
        """What a body of more than request_bytes_max is answered; None if it may come.

        Deployment packages are large; but nobody's who could not be let in, whatever the signature will turn out to be.
        """
        if self.rest is None or not rest.is_rest(url) or size > self.settings.rest_request_bytes_max:
            return TOO_LARGE
        authenticator = self.rest_authenticator
        refused = rest.guard(headers, authenticator.is_open)
        if refused is not None:
            return refused
        fault = authenticator.check_claim(url, headers)
        return None if fault is None else rest.refusal_of(fault)

    def admit_large(
        self, connection: Peer, url: bytes, headers: Mapping[bytes, bytes], size: int
    ) -> Reply | RestReply | None:
        """Let more than request_bytes_max of a body, `size` bytes by now, come in, until `large_is_in` or the end.

        Returns the refusal of one that may not come, or of one too many.
        """
        if connection in self._large:
            return TOO_LARGE if size > self.settings.rest_request_bytes_max else None
        refusal = self.refuse_large(url, headers, size)
        if refusal is not None:
            return refusal
        if len(self._large) >= self.settings.large_requests_max:
            return BUSY
        self._large.add(connection)
        return None

    def large_is_in(self, connection: Peer) -> None:
        self._large.discard(connection)

    def sweep(self) -> None:
        """To be called once a second: renews the Date of answers, ends connections that take too long."""
        self.heads.set_time(self._clock())
        self.outbox.flush()
        now = self.monotonic()
        for connection in tuple(self.connections):
            connection.sweep(now)

    def joined(self, connection: Peer) -> None:
        self.connections.add(connection)

    def left(self, connection: Peer) -> None:
        self.connections.discard(connection)
        self._large.discard(connection)
        if self._emptied is not None and not self.connections and not self._emptied.done():
            self._emptied.set_result(None)

    async def drain(self, seconds: float) -> None:
        """Let what is in flight be answered, close everything; after `seconds`, abort what is left."""
        self.draining = True
        self.outbox.flush()
        for connection in tuple(self.connections):
            connection.drain()
        if not self.connections:
            return
        self._emptied = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(self._emptied, seconds)
        except TimeoutError:
            for connection in tuple(self.connections):
                connection.abort()


def ignore(operation: str, seconds: float, status: int, error: str | None) -> None:
    """The observer of those who don't want one."""


def random_request_ids() -> Iterator[str]:
    """Ids of AWS's form, unique by a random prefix per process and a number that steps through all of 64 bits."""
    alphabet = string.ascii_uppercase + string.digits
    prefix = "".join(secrets.choice(alphabet) for _ in range(REQUEST_ID_CHARACTERS - 16))
    return request_ids(prefix, secrets.randbits(64))


def request_ids(prefix: str, number: int) -> Iterator[str]:
    """`prefix` of 36 characters, then `number` and its Weyl sequence in 16 hexadecimal digits."""
    while True:
        number = (number + WEYL_STEP) & 0xFFFF_FFFF_FFFF_FFFF
        yield f"{prefix}{number:016X}"
