"""Updates over several partitions, atomic: rows are marked, the outcome is decided by a verdict, then all is written.
The protocol is in protocol.py, step by step.

A plan is run first on rows as they were read, and again once they are held if they are no longer the same. Held rows
can't change; so an update that met no other transaction gets through, however often its rows are written. One that
meets another lets go of everything, and begins again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from statordb.engine.cassandra.cluster.clock import Clock
from statordb.engine.cassandra.cluster.membership import Membership
from statordb.engine.cassandra.cql.patience import Patience
from statordb.engine.cassandra.cql.session import Session, Unreachable
from statordb.engine.cassandra.owed.journal import Journal
from statordb.engine.cassandra.owed.relay import Relay
from statordb.engine.cassandra.several.attempt import Attempt, Means
from statordb.engine.cassandra.several.footprint import Footprint
from statordb.engine.cassandra.several.holds import Holds, Rows, address, groups_of
from statordb.engine.cassandra.several.marks import Marks
from statordb.engine.cassandra.several.protocol import Watch
from statordb.engine.cassandra.several.settling import Settling
from statordb.engine.cassandra.several.snapshots import Snapshots
from statordb.engine.cassandra.several.verdicts import Verdicts
from statordb.engine.cassandra.single.effects import does_nothing
from statordb.engine.contract import Conflict, Effects, Key, OutcomeUnknown, Overloaded, Plan, Refused, Stored
from statordb.model.tasks import Tasks

UNDER_WAY_MAX = 5_000  # updates, and what they leave to be done in the background
FINISH_SECONDS = 10.0  # how long a closing process waits; what is left then, others finish


class Transactions:
    """Updates and reads over several partitions, of one process."""

    def __init__(
        self,
        session: Session,
        clock: Clock,
        membership: Membership,
        journal: Journal,
        relay: Relay,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        watch: Watch = lambda name: None,
    ) -> None:
        """`now`: seconds since the Unix epoch. `watch`: told each transition by its name, just before its write."""
        self._holds = Holds(session)
        self._verdicts = verdicts = Verdicts(session, now)
        settling = Settling(verdicts, self._holds, relay, watch)
        self._tasks = Tasks()
        self._means = Means(clock, membership, journal, verdicts, self._holds, settling, watch, self._tasks.begin)
        self.resolve = settling.resolve
        self.free = settling.free
        self.is_old = Marks(monotonic).is_old
        self.snapshot: Callable[[Sequence[Key]], Awaitable[list[Stored | None]]] = Snapshots(
            self._holds, verdicts, settling, self.is_old
        ).read
        self.begun_again_total = 0

    async def update(
        self,
        footprint: Sequence[Key],
        plan: Plan,
        settled: Callable[[], None] | None = None,
        term: int | None = None,
    ) -> Effects | Refused:
        """As the contract's `update`. Rows of derived spaces, and of those within others, are only looked at.

        `settled`: called once, when this update can't change any row any more, nor owes derived ones or changes; that
        is some time after OutcomeUnknown was raised. One that announces has yet to do so, and may still owe the others.

        `term`: of the process, if the plan goes by guards: in no other may it be committed.

        Raises Conflict, Overloaded, OutcomeUnknown, Unreachable (nothing was written), and what the plan raises. Goes
        on when its caller is cancelled.
        """
        tell = _Once(settled)
        if len(self._tasks) >= UNDER_WAY_MAX:
            tell()
            raise Overloaded("too many updates over several partitions are under way")
        outcome: Effects | Refused = await asyncio.shield(self._tasks.begin(self._update(footprint, plan, tell, term)))
        return outcome

    async def finish(self) -> None:
        """Wait for all that was begun, or for FINISH_SECONDS."""
        await self._tasks.ended(FINISH_SECONDS)
        await self._tasks.close()

    async def _update(self, footprint: Sequence[Key], plan: Plan, tell: "_Once", term: int | None) -> Effects | Refused:
        try:
            wanted = Footprint(footprint)
            try:
                outcome = await self._try(wanted, plan, tell, term)
            except Conflict as conflict:
                raise Conflict(await self._in_the_way(wanted, conflict.keys)) from None
        except (OutcomeUnknown, asyncio.CancelledError):
            raise  # the attempt goes on, and tells; or the process ends, and its outcome is for others to find out
        except BaseException:
            tell()
            raise
        return outcome

    async def _try(self, wanted: Footprint, plan: Plan, tell: "_Once", term: int | None) -> Effects | Refused:
        patience = Patience()
        while True:
            rows = await self._look(wanted, patience)
            outcome = wanted.run(plan, rows)
            if isinstance(outcome, Refused) or does_nothing(outcome):
                again = await self._holds.read(wanted.noted)
                if all(again[at] == rows[at] for at in wanted.held):
                    tell()
                    return outcome
            else:
                attempt = Attempt(self._means, wanted, plan, tell, term)
                if (done := await attempt.run(rows, outcome, patience)) is not None:
                    if not attempt.committed:  # else it tells when nothing is owed any more
                        tell()
                    return done
            self.begun_again_total += 1
            patience.begin_again(wanted.keys)
            await patience.pause()

    async def _in_the_way(self, wanted: Footprint, keys: Sequence[Key]) -> list[Key]:
        """Besides keys that are held, those which the same updates hold elsewhere, or are about to: one that is asked
        for twice meets itself at any of its rows, and is known by one of them."""
        held = {address(key) for key in keys}
        try:
            rows = await self._holds.read(groups_of(held))
            for mark in {found.mark for found in rows.values() if found.mark is not None}:
                noted = await self._verdicts.noted(mark)
                held.update((table, partition, spot) for table, partition, spots in noted for spot in spots)
        except Unreachable:
            pass  # what was met is told all the same
        return [key for at, key in wanted.held.items() if at in held]

    async def _look(self, wanted: Footprint, patience: Patience) -> Rows:
        """Read the rows, when nobody holds them any more. Raises Conflict."""
        while True:
            rows = await self._holds.read(wanted.groups)
            marks = {rows[at].mark: None for at in wanted.held if rows[at].mark is not None}
            if not marks:
                return rows
            for mark in marks:
                if mark is not None and self.is_old(mark):
                    await self.free(mark, groups_of(at for at in wanted.held if rows[at].mark == mark))
            patience.meet(key for at, key in wanted.held.items() if rows[at].mark is not None)
            await patience.pause()


class _Once:
    """Calls something when it is first called itself."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[], None] | None) -> None:
        self._call = call

    def __call__(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call()
