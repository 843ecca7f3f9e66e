"""Requests on their way through a lane: as bytes, and in the order in which they have their turn."""

from collections import OrderedDict, deque

import orjson

from statordb.access import authority
from statordb.access.document import Kind, compile_policy
from statordb.model.pending import Pending
from statordb.model.request import Origin, Principal, Reply, Request

_READS = ("Get", "BatchGet", "Query", "Scan", "TransactGet", "Describe", "List")


class Call:
    """A request that a worker has handed over, and what waits for its reply. `since`: monotonic seconds."""

    __slots__ = ("answer", "begun", "request", "retried", "since")

    def __init__(self, request: Request, answer: Pending[Reply], since: float) -> None:
        self.request = request
        self.answer = answer
        self.since = since
        self.begun = False  # it may have had an effect
        self.retried = False

    @property
    def may_begin_again(self) -> bool:
        """Whether it can be asked once more after the process that it was asked of has died."""
        return not self.begun or (not self.retried and self.request.operation.startswith(_READS))


class Waiting:
    """Calls that wait for a lane: those of one source take turns with those of others."""

    def __init__(self) -> None:
        self._queues: OrderedDict[object, deque[Call]] = OrderedDict()
        self.count = 0

    def add(self, call: Call) -> None:
        self._queues.setdefault(call.request.source, deque()).append(call)
        self.count += 1

    def put_back(self, call: Call) -> None:
        """It was taken, and is to be the next one all the same."""
        source = call.request.source
        self._queues.setdefault(source, deque()).appendleft(call)
        self._queues.move_to_end(source, last=False)
        self.count += 1

    def take(self) -> Call:
        """The next one. There must be one."""
        source, queue = self._queues.popitem(last=False)
        call = queue.popleft()
        if queue:
            self._queues[source] = queue
        self.count -= 1
        return call

    def take_since(self, before: float) -> list[Call]:
        """Those that have waited since `before` or longer."""
        found: list[Call] = []
        for source, queue in tuple(self._queues.items()):
            while queue and queue[0].since <= before:
                found.append(queue.popleft())
            if not queue:
                del self._queues[source]
        self.count -= len(found)
        return found


def pack_request(request: Request) -> bytes:
    """All of a request but its body."""
    *who, known = request.principal
    may = None if known is None else authority.pack(known)
    origin = request.origin
    through = None if origin.policy is None else authority.text_of(origin.policy)
    coding = request.coding.decode("latin-1")
    return orjson.dumps(
        (request.operation, request.request_id, coding, who, may, tuple(origin._replace(policy=through)))
    )


def unpack_request(head: bytes, body: bytes) -> Request:
    operation, request_id, coding, who, may, origin = orjson.loads(head)
    principal = Principal(*who)
    if may is not None:
        principal = principal._replace(authority=authority.unpack(may))
    came = Origin(*origin)
    came = came._replace(tls=tuple(came.tls))
    if came.policy is not None:
        came = came._replace(policy=compile_policy(came.policy, Kind.RESOURCE))
    return Request(operation, body, principal, request_id, coding=coding.encode("latin-1"), origin=came)


def pack_reply(reply: Reply) -> bytes:
    """All of a reply but its body."""
    return orjson.dumps((reply.status, reply.error))


def unpack_reply(head: bytes, body: bytes) -> Reply:
    status, error = orjson.loads(head)
    return Reply(status, body, error)
