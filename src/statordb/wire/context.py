"""What all connections of one worker share: the service, limits, clocks, and the list of who is connected."""

import asyncio
import heapq
import logging
import secrets
import string
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import Protocol

from statordb.model.request import Origin, Reply, Service
from statordb.model.rest import RestService
from statordb.wire.admission import Admission
from statordb.wire.authenticator import Authenticator
from statordb.wire.discards import After, Discards
from statordb.wire.exchange import Exchange
from statordb.wire.forms import NO_FORMS, FormApis
from statordb.wire.outbox import Outbox
from statordb.wire.repeats import Repeats
from statordb.wire.reply import Heads
from statordb.wire.rest_peers import RestPeers
from statordb.wire.rounds import Defer, Rounds, Slices
from statordb.wire.rpc import NO_RPC, RpcApis
from statordb.wire.settings import WireSettings
from statordb.wire.target_calls import Api

TARGET_PREFIX = "DynamoDB_20120810"
OPERATIONS_CACHED_MAX = 1024
TARGET_BYTES_MAX = 128
REQUEST_ID_CHARACTERS = 52
LAST_DIGITS = tuple(f"{number:02X}" for number in range(256))
SWEPT_MAX = 500  # connections that are looked at in one round of the event loop, about 1 ms
LEAVING_MAX = 64  # connections that are chosen to make room, for as many clients that come within a second
WEYL_STEP = 0x9E3779B97F4A7D  # odd, so that its multiples meet every 56-bit number once

log = logging.getLogger(__name__)

Observer = Callable[[Exchange, Reply, float], None]
"""observe(request, reply, seconds); the request's operation is "-" where it never reached the service."""


class Peer(Protocol):
    """A connection, as the context sees it."""

    def sweep(self, now: float) -> None:
        """Act on what has taken too long. `now` is monotonic."""

    def drain(self) -> None:
        """Close: at once if idle, else after the last answer."""

    def abort(self) -> None:
        """Close without sending what waits."""

    def change(self, entrance: Origin) -> None:
        """Have the policy of the endpoint that it came through, if that is the one of `entrance`."""

    is_known: bool
    """Whether a request of it was let in."""

    def idle_since(self) -> float | None:
        """The monotonic time since which nothing goes on there; None while something does."""


class WireContext:
    """Shared by all connections of a worker.

    rest       serves the paths of the REST API; None: they are refused. Requests there are judged by
               rest_authenticator, or authenticator where there is none; where that is open, rest_peers says to whom.
    apis       by what stands before the dot in X-Amz-Target: further APIs, of JSON 1.1.
    forms      serve forms that are posted to "/", by the name of the service that they are signed for.
    rpc        further APIs that answer in JSON or in CBOR, by the name of their service.
    own_paths  serve paths of the server's own, by the first part of these.
    clock      seconds since the epoch;  monotonic: seconds of a clock that never jumps.
    request_ids an iterator of 52-character ids.
    observe    called once per answered request.
    defer      the event loop's call_soon, to hold answers until it has served what was ready; None to hold nothing.
    after      the event loop's call_later, to read from refused clients at a pace; None to read at once.
    slices     has work that holds the loop done in the turn of its source; None: in a later round.
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
        after: After | None = None,
        slices: Slices | None = None,
        rest: RestService | None = None,
        rest_authenticator: Authenticator | None = None,
        rest_peers: RestPeers | None = None,
        apis: Mapping[bytes, Api] | None = None,
        forms: FormApis = NO_FORMS,
        rpc: RpcApis = NO_RPC,
    ) -> None:
        self.service = service
        self.apis = dict(apis or {})
        self.rest = rest
        self.forms = forms
        self.rpc = rpc
        self.own_paths: dict[bytes, RestService] = {}
        self.rest_authenticator = rest_authenticator or authenticator
        self.rest_peers = rest_peers
        self.outbox = Outbox(defer)
        self.authenticator = authenticator
        self.repeats = Repeats(authenticator)
        self.settings = settings or WireSettings()
        self.monotonic = monotonic
        self.observe = observe or ignore
        self.next_request_id = (request_ids or random_request_ids()).__next__
        self.heads = Heads(clock())
        self.headers_max = self.settings.headers_max
        self.head_bytes_unmeasured = min(self.settings.header_bytes_max, self.settings.url_bytes_max)
        self.rounds = Rounds(monotonic, defer, slices)
        self.discards = Discards(monotonic, after)
        self.slices = slices or self.rounds.slice
        self.admission = Admission(
            self.settings, self.operation, authenticator, rest, self.rest_authenticator, self.apis, forms, rpc
        )
        self.connections: dict[Peer, None] = {}  # the oldest first
        self.operations: dict[bytes, str] = {}  # those that `operation` was asked for, by their targets
        self.draining = False
        self.ends_some = False  # whether a request that comes may be the last one of its connection
        self._ends_at_most: int | None = 0
        self._leaving: deque[Peer] = deque()  # the next ones to make room
        self._made_room = 0
        self._unswept: list[Peer] = []  # which this second's sweep has not come to yet
        self._clock = clock
        self._emptied: asyncio.Future[None] | None = None

    def operation(self, target: bytes) -> str | None:
        """The operation that an X-Amz-Target names; None if its prefix is not that of an API that has it."""
        prefix, _, name = target.decode("latin-1").strip().partition(".")
        if not name or prefix != self.settings.target_prefixes.get(name, TARGET_PREFIX):
            return None
        if len(target) <= TARGET_BYTES_MAX and len(self.operations) < OPERATIONS_CACHED_MAX:
            self.operations[target] = name
        return name

    def rounds_allow(self) -> bool:
        """Whether another request that was sent ahead may be begun now."""
        return self.rounds.allows(self.monotonic())

    def sweep(self) -> None:
        """To be called once a second: renews the Date of answers, ends connections that take too long."""
        self.heads.set_time(self._clock())
        self.outbox.flush()
        if not self._unswept:
            self._unswept = list(self.connections)
            self._sweep_some()
        self._leaving.clear()
        if self._made_room:
            log.warning("idle connections were closed to make room", extra={"connections": self._made_room})
            self._made_room = 0

    def _sweep_some(self) -> None:
        now = self.monotonic()
        for connection in self._unswept[-SWEPT_MAX:]:
            connection.sweep(now)
        del self._unswept[-SWEPT_MAX:]
        if self._unswept:
            self.rounds.later(self._sweep_some)

    def make_room(self, strangers_only: bool = False) -> bool:
        """Close a connection on which nothing goes on: that of the stranger who has been idle for longest, else of
        anybody. Returns False if there is none."""
        peer = self._next_to_leave(strangers_only)
        if peer is None:
            return False
        self.left(peer)  # at once: until its transport is closed, others would have to make room in its place
        peer.abort()
        self._made_room += 1
        return True

    def _next_to_leave(self, strangers_only: bool) -> Peer | None:
        leaving = self._leaving
        while leaving:
            peer = leaving.popleft()
            if peer in self.connections and not peer.is_known and peer.idle_since() is not None:
                return peer
        idle = [(peer.is_known, since, peer) for peer in self.connections if (since := peer.idle_since()) is not None]
        some = heapq.nsmallest(LEAVING_MAX, idle, key=itemgetter(0, 1))  # all are looked at, so not for one alone
        leaving.extend(peer for is_known, _, peer in some if not is_known)
        if leaving:
            return leaving.popleft()
        return None if strangers_only or not some else some[0][2]

    def joined(self, connection: Peer) -> None:
        self.connections[connection] = None

    def left(self, connection: Peer) -> None:
        self.connections.pop(connection, None)
        if self._emptied is not None and not self.connections and not self._emptied.done():
            self._emptied.set_result(None)

    def let_go(self, connections: int | None) -> None:
        """Have so many connections end with the next answer that they get; None: all of them, until told otherwise."""
        self._ends_at_most = connections
        self.ends_some = self.draining or connections != 0

    def is_last(self) -> bool:
        """Whether a request that has come is the last one of its connection; to be asked once, while `ends_some`."""
        if self.draining or self._ends_at_most is None:
            return True
        self._ends_at_most -= 1
        self.ends_some = self._ends_at_most > 0
        return True

    async def drain(self, seconds: float) -> None:
        """Let what is in flight be answered, close everything; after `seconds`, abort what is left."""
        self.draining = self.ends_some = True
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


def ignore(exchange: Exchange, reply: Reply, seconds: float) -> None:
    """The observer of those who don't want one."""


def random_request_ids() -> Iterator[str]:
    """Ids of AWS's form, unique by a random prefix per process and a number that steps through all of 64 bits."""
    alphabet = string.ascii_uppercase + string.digits
    prefix = "".join(secrets.choice(alphabet) for _ in range(REQUEST_ID_CHARACTERS - 16))
    return request_ids(prefix, secrets.randbits(56))


def request_ids(prefix: str, number: int) -> Iterator[str]:
    """`prefix` of 36 characters, then 16 hexadecimal digits: 14 of a Weyl sequence from `number` on, and for each of
    these all that two can say, since numbers this large take long to write."""
    while True:
        number = (number + WEYL_STEP) & 0xFF_FFFF_FFFF_FFFF
        front = f"{prefix}{number:014X}"
        for last in LAST_DIGITS:
            yield front + last
