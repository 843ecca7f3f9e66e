"""Asynchronous invocations that wait: a durable queue for each function.

Rows of a function's queue, in the order in which they are due: 8 bytes of milliseconds since the epoch, then the id. A
row is one byte of format, the length of the head (4, big endian), the head (a record), the payload. Before them a row
counts them. A list of the functions that have a count, in a partition of its own, spares the keeper from looking for
what is not there; a function stays listed for a while when nothing waits, so that what comes next has to write in its
own partition only.
"""

from dataclasses import dataclass
from typing import NamedTuple

from statordb.engine.contract import Bounds, Effects, Engine, Key, PageBudget, Refused, Stored
from statordb.model.clock import Clock
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.record import Kind, Record
from statordb.store.rows import PAGE, rows

FORMAT = b"\x01"

_LIST = b"functions"
_FIRST = Bounds(b"\0")  # behind the count: an invocation's key begins with a zero
_UNLISTED = object()  # a refusal's reason


class FunctionKey(NamedTuple):
    """Whose queue."""

    account: str
    region: str
    name: str

    def text(self) -> bytes:
        return f"{self.account}/{self.region}/{self.name}".encode()


@dataclass(frozen=True, slots=True)
class QueuedInvocation(Record):
    """One that waits.

    id          a uuid, which the function gets as its request id at every attempt.
    due_at      not to be tried before, seconds since the epoch;  sent_at: when it was asked for.
    attempts    that ended in an error of the function;  throttled: attempts in a row that could not even begin.
    client_context  the decoded JSON of X-Amz-Client-Context.
    """

    function: FunctionKey
    id: str
    payload: bytes
    sent_at: float
    due_at: float
    attempts: int = 0
    throttled: int = 0
    client_context: str | None = None


@dataclass(frozen=True, slots=True)
class HeadRecord(Record):
    """What is kept of an invocation beside its payload; its members are those of `QueuedInvocation`."""

    id: str
    sent_at: float
    due_at: float
    attempts: int = 0
    throttled: int = 0
    client_context: str | None = None


KIND = Kind(HeadRecord)


class InvocationQueue:
    """Puts, reads, postpones and ends asynchronous invocations."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def put(self, function: FunctionKey, id: str, payload: bytes, client_context: str | None = None) -> None:
        """Keep an invocation, due at once. Durable when this returns; nothing happens if its id waits already."""
        now = self._clock.now()
        invocation = QueuedInvocation(function, id, payload, now, now, client_context=client_context)
        row, count, listing = _row_key(invocation), _count_key(function), _list_key(function)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            waiting, counted = stored
            if waiting is not None:
                return Refused("it waits already")
            if counted is None:
                return Refused(_UNLISTED)
            return Effects(writes=((row, _dump(invocation)), (count, _plus(counted, 1))))

        def listed(stored: list[Stored | None]) -> Effects | Refused:
            if stored[0] is not None:
                return Refused("it waits already")
            return Effects(writes=((row, _dump(invocation)), (count, _plus(stored[1], 1)), (listing, b"")))

        outcome = await contention.update(self._engine, (row, count), plan)
        if isinstance(outcome, Refused) and outcome.reason is _UNLISTED:
            await contention.update(self._engine, (row, count, listing), listed)

    async def functions(self) -> list[FunctionKey]:
        """Every function that has some waiting, due or not, or had some until it was retired."""
        listed = rows(self._engine, Space.INVOCATIONS, _LIST)
        return [FunctionKey(*row.sort.decode().split("/")) async for row in listed]

    async def due(self, function: FunctionKey, now: float, limit: int) -> list[QueuedInvocation]:
        """The first ones of a function that are due by `now`, at most `limit`."""
        found: list[QueuedInvocation] = []
        bounds = _FIRST._replace(upper=_milliseconds(now + 0.001))
        budget = PageBudget(min(limit, PAGE.rows_max), PAGE.bytes_max)
        async for row in rows(self._engine, Space.INVOCATIONS, function.text(), bounds, budget=budget):
            found.append(_load(function, row.body))
            if len(found) >= limit:
                break
        return found

    async def postpone(self, old: QueuedInvocation, new: QueuedInvocation) -> bool:
        """Put another state of an invocation in the place of the present one; False if that is gone."""
        assert (old.function, old.id) == (new.function, new.id)
        before, after = _row_key(old), _row_key(new)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            if stored[0] is None:
                return Refused("it is gone")
            return Effects(writes=((before, None), (after, _dump(new))) if before != after else ((after, _dump(new)),))

        footprint = (before, after) if before != after else (before,)
        return isinstance(await contention.update(self._engine, footprint, plan), Effects)

    async def end(self, invocation: QueuedInvocation) -> None:
        """Forget an invocation."""
        row, count = _row_key(invocation), _count_key(invocation.function)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            if stored[0] is None:
                return Refused("it is gone")
            return Effects(writes=((row, None), (count, _plus(stored[1], -1))))

        await contention.update(self._engine, (row, count), plan)

    async def retire(self, function: FunctionKey) -> None:
        """Take a function off the list for which nothing waits."""
        one = PageBudget(1, 1)
        if (await self._engine.range(Space.INVOCATIONS, function.text(), _FIRST, True, one)).bodies:
            return
        keys = (_count_key(function), _list_key(function))

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            if stored[0] is not None and int(stored[0].body):
                return Refused("one waits by now")
            return Effects(writes=[(key, None) for key in keys])

        await contention.update(self._engine, keys, plan)


def _plus(row: Stored | None, change: int) -> bytes:
    count = 0 if row is None else int(row.body)
    return b"%d" % max(count + change, 0)  # what an earlier release put is not counted in


def _count_key(function: FunctionKey) -> Key:
    return Key(Space.INVOCATIONS, function.text(), b"")


def _list_key(function: FunctionKey) -> Key:
    return Key(Space.INVOCATIONS, _LIST, function.text())


def _row_key(invocation: QueuedInvocation) -> Key:
    sort = _milliseconds(invocation.due_at) + invocation.id.encode()
    return Key(Space.INVOCATIONS, invocation.function.text(), sort)


def _milliseconds(moment: float) -> bytes:
    return int(moment * 1000).to_bytes(8, "big")


def _dump(invocation: QueuedInvocation) -> bytes:
    head = KIND.dump(
        HeadRecord(
            invocation.id,
            invocation.sent_at,
            invocation.due_at,
            invocation.attempts,
            invocation.throttled,
            invocation.client_context,
            unknown=invocation.unknown,
        )
    )
    return b"".join((FORMAT, len(head).to_bytes(4, "big"), head, invocation.payload))


def _load(function: FunctionKey, body: bytes) -> QueuedInvocation:
    assert body[:1] == FORMAT, "a store of a newer format is refused when it is opened"
    end = 5 + int.from_bytes(body[1:5], "big")
    head = KIND.load(body[5:end])
    return QueuedInvocation(
        function,
        head.id,
        body[end:],
        head.sent_at,
        head.due_at,
        head.attempts,
        head.throttled,
        head.client_context,
        unknown=head.unknown,
    )
