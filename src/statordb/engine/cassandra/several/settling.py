"""What follows the decision on an update over several partitions: it is applied and relayed, or undone. That is done by
its owner, or by anybody who meets what a dead or slow one left."""

import asyncio
import contextlib
from collections.abc import Sequence

from statordb.engine.cassandra.cql.patience import all_of, insist
from statordb.engine.cassandra.cql.session import TimedOut
from statordb.engine.cassandra.owed.journal import Noted
from statordb.engine.cassandra.owed.relay import Relay
from statordb.engine.cassandra.several.holds import Holds
from statordb.engine.cassandra.several.protocol import Course, State, Watch
from statordb.engine.cassandra.several.verdicts import Record, Verdicts

SETTLE_SECONDS = 8.0  # how long each step is asked for


class Settling:
    """Finishes and undoes transactions. Everything may be done twice, also by several processes at once. Who asks hands
    in the course that he has of the transaction."""

    def __init__(self, verdicts: Verdicts, holds: Holds, relay: Relay, watch: Watch) -> None:
        self._verdicts = verdicts
        self._holds = holds
        self._relay = relay
        self._watch = watch
        self._resolving: dict[bytes, tuple[asyncio.Future[bool], asyncio.Task[bool]]] = {}

    async def apply(self, course: Course, id: bytes, record: Record) -> None:
        """Write the rows of a committed transaction, and let go of them. Raises Unreachable."""
        if not record.parts:
            course.skip(State.APPLIED)

        async def one(number: int) -> None:
            course.step(State.APPLIED)
            part = record.parts[number]
            await insist(lambda: self._holds.apply(id, part, record.version), SETTLE_SECONDS)

        await all_of([one(number) for number in range(len(record.parts))])

    async def relay(self, course: Course, record: Record, *, recovering: bool = False) -> None:
        """Write what a committed transaction owes elsewhere; `recovering`: one of somebody else. Raises Unreachable."""
        course.step(State.RELAYED)
        if record.owed:
            await self._relay.deliver(record.first, record.owed, recovering=recovering)

    async def forget(self, course: Course, id: bytes) -> None:
        """Delete what is kept of a transaction that is done with. Raises Unreachable."""
        course.step(State.FORGOTTEN)
        await self._verdicts.forget(id)

    async def release(self, course: Course, id: bytes, groups: Sequence[Noted]) -> None:
        """Let go of rows of a transaction that does not happen. Raises Unreachable."""
        if not groups:
            course.skip(State.RELEASED)

        async def one(group: Noted) -> None:
            course.step(State.RELEASED)
            await self._let_go(id, group)

        await all_of([one(group) for group in groups])

    async def show(self, id: bytes, record: Record) -> None:
        """Write the rows of a transaction that somebody else committed. Raises Unreachable."""
        await self.apply(Course(self._watch, State.COMMITTED), id, record)

    async def _let_go(self, id: bytes, group: Noted) -> None:
        await insist(lambda: self._holds.release(id, group), SETTLE_SECONDS)

    async def resolve(self, id: bytes, held: Sequence[Noted] = ()) -> bool:
        """Finish a transaction of somebody else if it was committed, else abort it; whether it was committed. Nothing
        that it noted is held afterwards, nor what `held` adds, and it owes nothing. Raises Unreachable; ask again then.
        """
        _, work = self._begin(id)
        committed = await asyncio.shield(work)
        await self._sweep(id, held)
        return committed

    async def free(self, id: bytes, held: Sequence[Noted] = ()) -> None:
        """The same for those who only want to get at the rows, and look whether they do: what it owes elsewhere is done
        in the background. Where others' writes were in the way all the time they are still held. Raises Unreachable."""
        freed, _ = self._begin(id)
        with contextlib.suppress(TimedOut):
            await asyncio.shield(freed)
            await self._sweep(id, held)

    async def _sweep(self, id: bytes, held: Sequence[Noted]) -> None:
        """Take marks off that came late, after a transaction was over; where it was committed there are none, since all
        is applied."""
        await all_of([self._let_go(id, group) for group in held])

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
        course = Course(self._watch, State.NOTED)  # whatever else its owner did: it is not known to be decided
        course.step(State.ABORTED)
        verdict = await insist(lambda: self._verdicts.abort(id), SETTLE_SECONDS)
        if not verdict.committed:
            await self.release(course, id, await self._verdicts.noted(id))
            freed.set_result(False)
            await self._verdicts.clear(id)
            return False
        course.found(State.COMMITTED)
        record = await self._verdicts.recorded(id, verdict.chunks)
        if record is not None:
            await self.apply(course, id, record)
        else:
            course.found(State.RELAYED)  # somebody was faster: the record goes when all is done
        freed.set_result(True)
        if record is not None:
            await self.relay(course, record, recovering=True)
        await self.forget(course, id)
        return True
