"""What follows the decision on an update over several partitions: it is applied and relayed, or undone. That is done by
its owner, or by anybody who meets what a dead or slow one left."""

import asyncio
from collections.abc import Callable, Sequence

from statordb.engine.cassandra.cql.patience import all_of, insist
from statordb.engine.cassandra.owed.journal import Noted
from statordb.engine.cassandra.owed.relay import Relay
from statordb.engine.cassandra.several.holds import Holds
from statordb.engine.cassandra.several.ledger import Ledger, Record

SETTLE_SECONDS = 8.0  # how long each step is asked for

Step = Callable[[str], None]
"""Called with the name of a transition (see protocol.py) just before its write is sent."""


class Settling:
    """Finishes and undoes transactions. Everything may be done twice, also by several processes at once."""

    def __init__(self, ledger: Ledger, holds: Holds, relay: Relay, step: Step) -> None:
        self._ledger = ledger
        self._holds = holds
        self._relay = relay
        self._step = step
        self._resolving: dict[bytes, tuple[asyncio.Future[bool], asyncio.Task[bool]]] = {}

    async def apply(self, id: bytes, record: Record) -> None:
        """Write the rows of a committed transaction, and let go of them. Raises Unreachable."""

        async def one(number: int) -> None:
            self._step("apply")
            part = record.parts[number]
            await insist(lambda: self._holds.apply(id, part, record.version), SETTLE_SECONDS)

        await all_of([one(number) for number in range(len(record.parts))])

    async def relay(self, record: Record, *, recovering: bool = False) -> None:
        """Write what a committed transaction owes elsewhere; `recovering`: one of somebody else. Raises Unreachable."""
        self._step("relay")
        if record.owed:
            await self._relay.deliver(record.first, record.owed, recovering=recovering)

    async def forget(self, id: bytes) -> None:
        """Delete what the ledger has of a transaction that is done with. Raises Unreachable."""
        self._step("forget")
        await self._ledger.forget(id)

    async def release(self, id: bytes, groups: Sequence[Noted]) -> None:
        """Let go of rows of a transaction that does not happen. Raises Unreachable."""

        async def one(group: Noted) -> None:
            self._step("release")
            await insist(lambda: self._holds.release(id, group), SETTLE_SECONDS)

        await all_of([one(group) for group in groups])

    async def resolve(self, id: bytes, held: Sequence[Noted] = ()) -> bool:
        """Finish a transaction of somebody else if it was committed, else abort it; whether it was committed. Nothing
        that it noted is held afterwards, nor what `held` adds, and it owes nothing. Raises Unreachable; ask again then.
        """
        _, work = self._begin(id)
        committed = await asyncio.shield(work)
        await self.release(id, held)  # finds nothing to do where it was committed, since all is applied
        return committed

    async def free(self, id: bytes, held: Sequence[Noted] = ()) -> bool:
        """The same for those who only want to get at the rows: what it owes elsewhere is done in the background."""
        freed, _ = self._begin(id)
        committed = await asyncio.shield(freed)
        await self.release(id, held)
        return committed

    def _begin(self, id: bytes) -> tuple[asyncio.Future[bool], asyncio.Task[bool]]:
        """Begin to resolve a transaction, unless that is under way: when its rows are free, and when all is done."""
        known = self._resolving.get(id)
        if known is not None:
            return known
        loop = asyncio.get_running_loop()
        freed: asyncio.Future[bool] = loop.create_future()
        work = loop.create_task(self._resolve(id, freed))
        self._resolving[id] = freed, work

        def ended(work: asyncio.Task[bool]) -> None:
            del self._resolving[id]
            if work.cancelled():
                freed.cancel()
            elif (error := work.exception()) is not None and not freed.done():
                freed.set_exception(error)
                freed.exception()  # those who wait get it; asyncio must not report it where nobody does

        work.add_done_callback(ended)
        return freed, work

    async def _resolve(self, id: bytes, freed: asyncio.Future[bool]) -> bool:
        self._step("abort")
        verdict = await insist(lambda: self._ledger.abort(id), SETTLE_SECONDS)
        if not verdict.committed:
            await self.release(id, await self._ledger.noted(id))
            freed.set_result(False)
            await self._ledger.clear(id)
            return False
        record = await self._ledger.recorded(id, verdict.chunks)
        if record is not None:  # else somebody was faster
            await self.apply(id, record)
        freed.set_result(True)
        if record is not None:
            await self.relay(record, recovering=True)
        await self.forget(id)
        return True
