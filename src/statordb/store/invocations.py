"""Asynchronous invocations that wait: a durable queue for each function.

Rows of a function's queue, in the order in which they are due: 8 bytes of milliseconds since the epoch, then the id. A
row is one byte of format, the length of the head (4, big endian), the head as JSON, the payload. Beside them one row
for each function that has any counts them, so that nobody needs to look for what is not there.
"""

from dataclasses import dataclass
from typing import NamedTuple

import orjson

from statordb.engine.contract import Bounds, Budget, Effects, Engine, Key, Refused, Stop, Stored
from statordb.model.clock import Clock
from statordb.store.keyspace import Space

FORMAT = b"\x01"

_COUNTS = b"functions"
_PAGE = Budget(rows_max=1000, bytes_max=4 << 20)


class FunctionKey(NamedTuple):
    """Whose queue."""

    account: str
    region: str
    name: str

    def text(self) -> bytes:
        return f"{self.account}/{self.region}/{self.name}".encode()


@dataclass(frozen=True, slots=True)
class Invocation:
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


class InvocationQueue:
    """Puts, reads, postpones and ends asynchronous invocations."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def put(self, function: FunctionKey, id: str, payload: bytes, client_context: str | None = None) -> None:
        """Keep an invocation, due at once. Durable when this returns; nothing happens if its id waits already."""
        now = self._clock.now()
        invocation = Invocation(function, id, payload, now, now, client_context=client_context)
        row, count = _row_key(invocation), _count_key(function)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            if stored[0] is not None:
                return Refused("it waits already")
            return Effects(writes=((row, _dump(invocation)), (count, _counted(stored[1], 1))))

        await self._engine.update((row, count), plan)

    async def functions(self) -> list[FunctionKey]:
        """Every function that has some waiting, due or not."""
        found: list[FunctionKey] = []
        last = None
        while True:
            page = await self._engine.range(Space.INVOCATIONS, _COUNTS, Bounds(), True, _PAGE, last)
            found += (FunctionKey(*row.sort.decode().split("/")) for row in page.rows)
            if page.stop is Stop.EXHAUSTED:
                return found
            last = page.last[1]

    async def due(self, function: FunctionKey, now: float, limit: int) -> list[Invocation]:
        """The first ones of a function that are due by `now`, at most `limit`."""
        found: list[Invocation] = []
        upper = _milliseconds(now + 0.001)
        last = None
        while True:
            budget = Budget(limit - len(found), _PAGE.bytes_max)
            page = await self._engine.range(Space.INVOCATIONS, function.text(), Bounds(b"", upper), True, budget, last)
            found += (_load(function, body) for body in page.bodies)
            if page.stop is not Stop.BYTES or len(found) >= limit:
                return found
            last = page.last[1]

    async def postpone(self, old: Invocation, new: Invocation) -> bool:
        """Put another state of an invocation in the place of the present one; False if that is gone."""
        assert (old.function, old.id) == (new.function, new.id)
        before, after = _row_key(old), _row_key(new)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            if stored[0] is None:
                return Refused("it is gone")
            return Effects(writes=((before, None), (after, _dump(new))) if before != after else ((after, _dump(new)),))

        footprint = (before, after) if before != after else (before,)
        return isinstance(await self._engine.update(footprint, plan), Effects)

    async def end(self, invocation: Invocation) -> None:
        """Forget an invocation."""
        row, count = _row_key(invocation), _count_key(invocation.function)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            if stored[0] is None:
                return Refused("it is gone")
            return Effects(writes=((row, None), (count, _counted(stored[1], -1))))

        await self._engine.update((row, count), plan)


def _counted(row: Stored | None, delta: int) -> bytes | None:
    count = (0 if row is None else int(row.body)) + delta
    return str(count).encode() if count > 0 else None


def _count_key(function: FunctionKey) -> Key:
    return Key(Space.INVOCATIONS, _COUNTS, function.text())


def _row_key(invocation: Invocation) -> Key:
    sort = _milliseconds(invocation.due_at) + invocation.id.encode()
    return Key(Space.INVOCATIONS, invocation.function.text(), sort)


def _milliseconds(moment: float) -> bytes:
    return int(moment * 1000).to_bytes(8, "big")


def _dump(invocation: Invocation) -> bytes:
    head = orjson.dumps(
        {
            "id": invocation.id,
            "sent_at": invocation.sent_at,
            "due_at": invocation.due_at,
            "attempts": invocation.attempts,
            "throttled": invocation.throttled,
            "client_context": invocation.client_context,
        }
    )
    return b"".join((FORMAT, len(head).to_bytes(4, "big"), head, invocation.payload))


def _load(function: FunctionKey, body: bytes) -> Invocation:
    assert body[:1] == FORMAT, "a store of a newer format is refused when it is opened"
    end = 5 + int.from_bytes(body[1:5], "big")
    return Invocation(function, payload=body[end:], **orjson.loads(body[5:end]))
