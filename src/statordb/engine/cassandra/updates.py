"""What becomes of one call of `update`: guards, the one partition or the several that it lies in, what only derives."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from statordb.engine.cassandra.cluster.membership import Membership
from statordb.engine.cassandra.cql import keys
from statordb.engine.cassandra.cql.reader import Reader
from statordb.engine.cassandra.cql.tallies import Tallies
from statordb.engine.cassandra.owed.owed import Derived, Owed
from statordb.engine.cassandra.owed.relay import Relay
from statordb.engine.cassandra.several.transactions import Transactions
from statordb.engine.cassandra.single.guards import Guards
from statordb.engine.cassandra.single.turn import Answer, Update
from statordb.engine.cassandra.single.writer import Writer
from statordb.engine.contract import ABSENT, Effects, Guard, Key, Plan, Refused, Stale, Stored


class _Call(NamedTuple):
    """One call of `update`. `term`: of the process, if there are guards. `ended`: called once, when it can't change
    anything any more, nor owes anything."""

    footprint: Sequence[Key]
    plan: Plan
    guards: Sequence[Guard]
    term: int | None
    ended: Callable[[], None]

    @property
    def elsewhere(self) -> list[Guard]:
        """Guards of rows that the update does not read itself."""
        return [guard for guard in self.guards if guard[0] not in self.footprint]


class Updates:
    """Updates of one process. Callers need not be tasks; what takes timeouts runs in tasks of its own."""

    def __init__(
        self,
        membership: Membership,
        guards: Guards,
        reader: Reader,
        writer: Writer,
        transactions: Transactions,
        relay: Relay,
        tallies: Tallies,
    ) -> None:
        self._membership = membership
        self._clocks = membership.clocks
        self._guards = guards
        self._reader = reader
        self._writer = writer
        self._transactions = transactions
        self._relay = relay
        self._tallies = tallies
        self.updates_total = self.refused_total = self.transactions_total = 0

    async def update(self, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard]) -> Answer:
        """See `contract.Engine`."""
        if self._clocks.doubtful():
            await self._clocks.ensure()
        if not guards:
            return await self._update(_Call(footprint, plan, guards, None, _nothing))
        if not self._membership.valid():
            await asyncio.create_task(self._membership.ensure_valid())
        token = self._membership.begin_guarded()
        call = _Call(footprint, plan, guards, self._membership.term, partial(self._membership.end_guarded, token))
        try:
            stale = None if self._guards.known(guards) else await self._guards.stale(call.elsewhere)
        except BaseException:
            call.ended()
            raise
        if stale is not None:
            call.ended()
            return Stale(stale)
        return await self._update(call)

    async def _update(self, call: _Call) -> Answer:
        places = {keys.place(key)[:2] for key in call.footprint if not keys.is_derived(key.space)}
        outcome: Answer
        try:
            if len(places) == 1:
                outcome = await self._update_one(*next(iter(places)), call)
            else:  # goes on when its caller is cancelled
                outcome = await asyncio.shield(asyncio.create_task(self._update_many(call)))
        except BaseException:
            self._guards.forget(call.footprint)  # they may have been written, or may be
            raise
        self.updates_total += 1
        if isinstance(outcome, Effects):
            self._guards.forget([key for key, _ in outcome.writes])
        elif isinstance(outcome, Refused):
            self.refused_total += 1
        return outcome

    async def _update_one(self, table: str, partition: bytes, call: _Call) -> Answer:
        footprint, plan, guards, term, ended = call
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        try:
            loose: dict[Key, Stored | None] = {}
            if len(footprint) > 1:
                looked_at = [key for key in footprint if keys.is_derived(key.space)]
                if looked_at:
                    loose = dict(zip(looked_at, await self._reader.read(looked_at, True), strict=True))
            update = Update(footprint, plan, guards, loose, answer, ended, term)
        except BaseException:
            ended()
            raise
        try:
            self._writer.submit(table, partition, update)
        except BaseException:
            ended()
            raise
        return await answer

    async def _update_many(self, call: _Call) -> Answer:
        """Over several partitions. What only derives rows from rows as they are needs no transaction: those rows are as
        old as what they are derived from, and lose against anything newer."""
        footprint, plan, guards, term, ended = call
        expected = [guard for guard in guards if guard[0] in footprint]
        if expected:
            plan = _guarded(footprint, plan, expected)
        if any(keys.is_derived(key.space) for key in footprint):
            try:
                outcome = await self._derive(footprint, plan)
            except BaseException:
                ended()
                raise
            if outcome is not None:
                ended()
                return outcome
        done = await self._transactions.update(footprint, plan, ended, term)
        if isinstance(done, Effects):
            self.transactions_total += 1
            self._count(done)
        elif expected and isinstance(done.reason, Stale):
            return done.reason
        return done

    async def _derive(self, footprint: Sequence[Key], plan: Plan) -> Effects | None:
        """Do what a plan wants, if that is only to derive rows from others as they are."""
        stored = await self._reader.read(footprint, True)
        outcome = plan(list(stored))
        if not isinstance(outcome, Effects) or outcome.writes or outcome.changes or outcome.announce:
            return None
        versions = {key: row.version for key, row in zip(footprint, stored, strict=True) if row is not None}
        derived = [
            Derived(*key, body, versions[base])
            for key, body, base in outcome.derived
            if base is not None and base in versions
        ]
        if len(derived) < len(outcome.derived):
            return None
        await self._relay.deliver(0, Owed(derived, [], False))
        self._count(outcome)
        return outcome

    def _count(self, effects: Effects) -> None:
        for tally in effects.tallies:
            self._tallies.add(*tally)


def _guarded(footprint: Sequence[Key], plan: Plan, expected: Sequence[Guard]) -> Plan:
    """The plan, refused with Stale for its reason where a row of the footprint is not as old as expected."""

    def guarded(stored: list[Stored | None]) -> Effects | Refused:
        for key, version in expected:
            row = stored[footprint.index(key)]
            if (row.version if row is not None else ABSENT) != version:
                return Refused(Stale(key))
        return plan(stored)

    return guarded


def _nothing() -> None:
    pass
