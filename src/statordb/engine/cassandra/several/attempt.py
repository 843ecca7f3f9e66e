"""One try at an update over several partitions, by the process that was asked for it."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from acsylla.errors import CassException

from statordb.engine.cassandra.cluster.clock import Clock
from statordb.engine.cassandra.cluster.membership import Membership
from statordb.engine.cassandra.cql.patience import Patience, all_of, in_the_end, insist
from statordb.engine.cassandra.cql.session import Unreachable
from statordb.engine.cassandra.owed.journal import Entry, Journal, Noted
from statordb.engine.cassandra.owed.relay import RELAY_SECONDS, TELL_SECONDS
from statordb.engine.cassandra.several.footprint import Footprint
from statordb.engine.cassandra.several.holds import Holds, Rows
from statordb.engine.cassandra.several.protocol import Course, State, Watch
from statordb.engine.cassandra.several.settling import Settling
from statordb.engine.cassandra.several.verdicts import Record, Verdicts
from statordb.engine.cassandra.single.effects import does_nothing
from statordb.engine.contract import Effects, OutcomeUnknown, Plan, Refused

COMMIT_SECONDS = 8.0  # how long an unknown outcome is asked for before the caller is told
APPLY_SECONDS = 8.0  # how long the rows may take to be written, the same

log = logging.getLogger(__name__)


class Means(NamedTuple):
    """What attempts work with. start: begins work that goes on in the background."""

    clock: Clock
    membership: Membership
    journal: Journal
    verdicts: Verdicts
    holds: Holds
    settling: Settling
    watch: Watch
    start: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Attempt:
    """One transaction: its id, its marks, and what became of it."""

    def __init__(self, means: Means, wanted: Footprint, plan: Plan, tell: Callable[[], None], term: int | None) -> None:
        """`tell`, `term`: as `settled` and `term` of `Transactions.update`. `tell` is called once it is
        `committed`, and perhaps twice."""
        self._means = means
        self._wanted = wanted
        self._plan = plan
        self._tell = tell
        self._term = term
        self._verdicts = means.verdicts
        self._settling = means.settling
        self._course = Course(means.watch)
        self._id = means.clock.next().to_bytes(8, "big") + secrets.token_bytes(8)
        self._entry: Entry | None = None
        self._held: set[Noted] = set()  # perhaps
        self._doubtful: set[Noted] = set()  # a write that marks them may still be under way
        self._rows: Rows = {}
        self.committed = False

    async def run(self, rows: Rows, outcome: Effects | Refused, patience: Patience) -> Effects | Refused | None:
        """Go through with an outcome that the plan gives for rows as read. None: not done, nothing is held any more,
        and it may be begun again. Raises as `Transactions.update`."""
        try:
            await self._note()
            self._rows = rows
            decided = await self._hold(rows, outcome, patience)
            if decided is None or isinstance(decided, Refused) or does_nothing(decided):
                await self._undo()
                return decided
            record = self._wanted.record(decided, rows, self._means.clock, self._doubtful)
            self._course.step(State.RECORDED)
            chunks = await self._verdicts.record(self._id, record)
            alive = await self._is_alive()
        except Exception:
            await self._undo()
            raise
        if not alive or not await self._commit(record, chunks):
            await self._undo()
            return None
        self.committed = True
        await self._finish(record)
        return decided

    async def _is_alive(self) -> bool:
        """Whether the others have not taken this process for dead since the entry was made. Raises Unreachable."""
        assert self._entry is not None
        if not self._entry.valid():
            await self._means.membership.ensure_valid()
        if self._term is not None and self._term != self._means.membership.term:
            raise Unreachable("the others took this process for dead")  # and don't wait for what goes by old guards
        return self._entry.valid()

    async def _note(self) -> None:
        self._course.step(State.NOTED)
        noting = asyncio.ensure_future(self._verdicts.note(self._id, self._wanted.noted))
        try:
            self._entry = await self._means.journal.open(self._wanted.noted, self._id)
            self._entry.at_stake = True  # until nothing is held, and nothing owed: `_forget` alone closes it
        finally:
            await noting

    async def _hold(self, rows: Rows, outcome: Effects | Refused, patience: Patience) -> Effects | Refused | None:
        """Mark all rows; `rows` are then as they are held. What the plan says of these; None: others hold some."""
        waiting = self._wanted.noted
        changed = False
        if not waiting:
            self._course.skip(State.HELD)
        while waiting:
            refusals = await all_of([self._hold_group(group, rows) for group in waiting])
            there = {at: found for refusal in refusals for at, found in refusal.items()}
            marked = [at for at, found in there.items() if found.mark is not None]
            if marked:
                patience.meet(self._wanted.held[at] for at in marked)
                return None
            if there:
                patience.begin_again(self._wanted.held[at] for at in there)
                changed = True
                rows.update(there)
            waiting = [group for group, refusal in zip(waiting, refusals, strict=True) if refusal]
        if not changed:
            return outcome
        rows.update(await self._means.holds.read(self._wanted.looked))
        return self._wanted.run(self._plan, rows)

    async def _hold_group(self, group: Noted, rows: Rows) -> Rows:
        self._course.step(State.HELD)
        self._held.add(group)
        refused = await self._means.holds.hold(group, self._id, rows, self._doubtful)
        if refused:
            self._held.discard(group)
        return refused

    async def _undo(self) -> None:
        """Let go of everything; what can't be done now is done in the background."""
        try:
            await self._settling.release(self._course, self._id, list(self._held))
        except Exception as fault:  # of whatever kind: while the entry is open, no reader of logs gets past it
            if not isinstance(fault, Unreachable):
                log.exception("rows could not be let go of at once")
            self._means.start(self._undo_later())
            return
        self._means.start(self._undo_later() if self._doubtful else self._forget())

    async def _undo_later(self) -> None:
        await in_the_end(lambda: self._settling.release(self._course, self._id, list(self._held)))
        await in_the_end(self._fence)
        await self._forget()

    async def _fence(self) -> None:
        for group in self._doubtful:
            await self._settling.release(
                self._course, self._id, [group]
            )  # a late write may have marked what was let go of
            await self._means.holds.fence(group, self._rows, self._means.clock)

    async def _forget(self) -> None:
        await in_the_end(lambda: self._settling.forget(self._course, self._id))
        if self._entry is not None:
            self._entry.at_stake = False
            self._entry.close()

    async def _commit(self, record: Record, chunks: int) -> bool:
        """Whether it happens; else somebody else aborted it. Raises OutcomeUnknown."""
        self._course.step(State.COMMITTED)
        try:
            return self._told(await insist(lambda: self._verdicts.commit(self._id, record, chunks), COMMIT_SECONDS))
        except (Unreachable, CassException):
            self._means.start(self._find_out(record, chunks))
            raise OutcomeUnknown("the update may or may not have happened") from None

    def _told(self, committed: bool) -> bool:
        """By the verdict, what was decided."""
        if not committed:
            self._course.found(State.ABORTED)
        return committed

    async def _find_out(self, record: Record, chunks: int) -> None:
        """See to a transaction whose caller was told that its outcome is unknown."""
        if self._told(await in_the_end(lambda: self._verdicts.commit(self._id, record, chunks))):
            loop = asyncio.get_running_loop()
            await self._complete(record, loop.create_future(), loop.create_future())
        else:
            await self._undo()
            self._tell()

    async def _finish(self, record: Record) -> None:
        """Do what was decided; returns when an answer may be given. Raises OutcomeUnknown: not yet to be seen."""
        loop = asyncio.get_running_loop()
        applied: asyncio.Future[None] = loop.create_future()
        relayed: asyncio.Future[None] = loop.create_future()
        completing = self._means.start(self._complete(record, applied, relayed))
        await asyncio.wait((completing, applied), timeout=APPLY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if applied.done():
            patience = TELL_SECONDS if record.owed.announce else RELAY_SECONDS
            await asyncio.wait((completing, relayed), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if completing.done():
            completing.result()
        if not applied.done():
            raise OutcomeUnknown("the update has happened, but its rows could not be written yet")
        if record.owed.announce and not relayed.done():
            raise OutcomeUnknown("the update has happened, but not all processes could be told yet")

    async def _complete(self, record: Record, applied: asyncio.Future[None], relayed: asyncio.Future[None]) -> None:
        """Apply, relay, forget, however long that takes."""
        await in_the_end(lambda: self._settling.apply(self._course, self._id, record))
        if record.owed.announce:
            self._tell()  # what tells all processes waits for every update that has not told yet
        applied.set_result(None)
        await in_the_end(lambda: self._settling.relay(self._course, record))
        self._tell()
        if self._entry is not None:
            self._entry.settle()
        relayed.set_result(None)
        await self._forget()
