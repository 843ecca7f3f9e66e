"""The scale-out engine: `contract.Engine` on an Apache Cassandra cluster that any number of processes share."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, NoReturn

from statordb.engine.cassandra.cluster.clock import Clock
from statordb.engine.cassandra.cluster.membership import SKEW_SECONDS_MAX, Membership
from statordb.engine.cassandra.cql import keys, schema
from statordb.engine.cassandra.cql.reader import Reader
from statordb.engine.cassandra.cql.session import Contact, Session, Unreachable
from statordb.engine.cassandra.cql.spaces import Spaces
from statordb.engine.cassandra.cql.tallies import Tallies
from statordb.engine.cassandra.owed.journal import Journal
from statordb.engine.cassandra.owed.logs import Logs
from statordb.engine.cassandra.owed.owed import Derived, Owed
from statordb.engine.cassandra.owed.recovery import Recovery
from statordb.engine.cassandra.owed.relay import Relay
from statordb.engine.cassandra.several.transactions import Transactions
from statordb.engine.cassandra.single.effects import PARTITION_BYTES_MAX, SORT_BYTES_MAX
from statordb.engine.cassandra.single.guards import Guards
from statordb.engine.cassandra.single.turn import Answer, Update
from statordb.engine.cassandra.single.writer import Writer
from statordb.engine.contract import (
    Budget,
    Change,
    Effects,
    EngineClosed,
    Guard,
    Key,
    Plan,
    Refused,
    Stale,
    Stored,
    StoreUnusable,
    Traits,
    Usage,
    Use,
)

TRAITS = Traits(
    name="cassandra",
    sort_bytes_max=SORT_BYTES_MAX,
    partition_bytes_max=PARTITION_BYTES_MAX,
    global_indexes_strong=False,
    guards=False,
    epoch=False,
    remote=True,
)
FLUSH_SECONDS = 1.0
TABLE_POOL = 4

log = logging.getLogger(__name__)


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


class CassandraEngine:
    """One process's engine on a cluster. `open` it in a running event loop, and use it there only.

    Callers need not be tasks; what takes timeouts runs in tasks of its own.
    """

    traits = TRAITS

    def __init__(self, session: Session, table_pool: int) -> None:
        self._session = session
        self._clock = Clock(time.time)
        self._guards = Guards(session)
        self._membership = Membership(session, self._clock)
        self._membership.on_epoch(self._guards.clear)
        self._logs = Logs(session, self._membership)
        self._journal = Journal(session, self._membership, self._clock)
        self._membership.watch(self._journal)
        self._relay = Relay(session, self._logs, self._membership)
        self._transactions = Transactions(session, self._clock, self._membership, self._journal, self._relay)
        self._membership.recover_by(Recovery(session, self._clock, self._relay, self._transactions.resolve))
        self._tallies = Tallies(session, self._membership.incarnation)
        self._spaces = Spaces(session, self._logs.drop, table_pool)
        self._reader = Reader(session)
        self._writer = Writer(
            session,
            self._clock,
            self._membership,
            self._journal,
            self._relay,
            self._tallies,
            self._transactions,
        )
        self.get = self._reader.get
        self.range = self._reader.range
        self.scan = self._reader.scan
        self.segment_of = self._reader.segment_of
        self._calls = self._updates_total = self._refused_total = self._transactions_total = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False
        self._flushing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, contact: Contact, *, table_pool: int = TABLE_POOL) -> CassandraEngine:
        """Connect; makes or migrates the keyspace if need be. `table_pool`: Cassandra tables kept ready for new spaces.

        Raises StoreUnusable, FormatTooNew.
        """
        racks = await schema.prepare(contact)
        if contact.rack and contact.rack not in racks:
            raise StoreUnusable(
                f"the datacenter {contact.datacenter} has no rack {contact.rack}, only {', '.join(racks)}"
            )
        first = contact.rack or random.choice(racks)
        others = random.sample([rack for rack in racks if rack != first], len(racks) - 1)
        session = await Session.connect(contact, contact.keyspace, [first, *others])
        engine = cls(session, table_pool)
        try:
            skew = await engine._membership.compare_clocks()
            if skew.at_least > SKEW_SECONDS_MAX:
                await session.close()
                raise StoreUnusable(
                    f"a node's clock is {skew.seconds:+.1f} s off this machine's, more than {SKEW_SECONDS_MAX:.0f} s"
                )
            await engine._membership.join()
        except Unreachable as fault:
            await session.close()
            raise StoreUnusable(f"this process could not join the others: {fault}") from None
        await engine._spaces.start()
        engine._flushing = asyncio.create_task(engine._flush())
        return engine

    def epoch(self) -> int:
        return self._membership.epoch

    async def read(self, keys_: Sequence[Key], consistent: bool = True, snapshot: bool = True) -> list[Stored | None]:
        self._check_open()
        if snapshot and consistent and len({keys.place(key)[:2] for key in keys_}) > 1:
            return await asyncio.ensure_future(self._transactions.snapshot(keys_))
        return await self._reader.read(keys_, consistent)

    async def update(
        self, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard] = ()
    ) -> Effects | Refused | Stale:
        with self._call():
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
        self._updates_total += 1
        if isinstance(outcome, Effects):
            self._guards.forget([key for key, _ in outcome.writes])
        elif isinstance(outcome, Refused):
            self._refused_total += 1
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
            self._transactions_total += 1
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

    async def log(self, stream: int, shard: bytes, after: int, budget: Budget) -> list[Change]:
        self._check_open()
        return await self._logs.read(stream, shard, after, budget)

    async def log_end(self, stream: int, shard: bytes) -> int:
        self._check_open()
        return await self._logs.end(stream, shard)

    async def usage(self, space: int) -> Usage:
        self._check_open()
        return await self._tallies.usage(space)

    async def create_space(self, use: Use = Use.ROWS, within: int | None = None) -> int:
        with self._call():
            return await self._spaces.create_space(use, within)

    async def spaces(self) -> list[int]:
        self._check_open()
        return await self._spaces.spaces()

    async def drop_space(self, space: int) -> None:
        with self._call():
            await self._spaces.drop_space(space)

    async def reclaim(self, rows_max: int) -> bool:
        with self._call():
            return await self._spaces.reclaim(rows_max)

    async def trim(self, stream: int, shard: bytes, upto: int, rows_max: int) -> bool:
        with self._call():
            return await self._logs.trim(stream, shard, upto, rows_max)

    def metrics(self) -> dict[str, float]:
        """Totals of this process, and what it owes: `owed_updates`, whose oldest is `owed_seconds` old (the lag of
        global indexes and streams). `watermark_seconds`: how far behind readers of logs are kept."""
        writer = self._writer
        return {
            "updates_total": self._updates_total,
            "refused_total": self._refused_total,
            "commits_total": writer.commits_total + self._transactions_total,
            "contended_total": writer.contended_total,
            "retries_total": self._session.retries_total,
            "unknown_total": self._session.unknown_total,
            "owed_updates": self._journal.pending,
            "owed_seconds": self._journal.oldest_seconds(),
            "watermark_seconds": self._membership.watermark_seconds(),
            "skew_seconds": abs(self._membership.skew.seconds),
            **self._membership.recovery_metrics(),
        }

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self.get = self.range = self.scan = _closed
        await self._idle.wait()
        await self._writer.finish()
        await self._transactions.finish()
        if self._flushing is not None:
            self._flushing.cancel()
        try:
            await self._tallies.flush()
        except Unreachable:
            log.warning("the last totals of this process could not be written down")
        await self._spaces.close()
        await self._membership.leave()
        await self._session.close()

    async def _flush(self) -> None:
        """Write the totals down now and then."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            with contextlib.suppress(Exception):  # kept in memory, and written with the next
                await self._tallies.flush()

    def _check_open(self) -> None:
        if self._closed:
            raise EngineClosed("the engine is closed")

    @contextlib.contextmanager
    def _call(self) -> Any:
        """Counts calls, so that `close` can wait for those that were begun."""
        self._check_open()
        self._calls += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()


def _guarded(footprint: Sequence[Key], plan: Plan, expected: Sequence[Guard]) -> Plan:
    """The plan, refused with Stale for its reason where a row of the footprint is not as old as expected."""

    def guarded(stored: list[Stored | None]) -> Effects | Refused:
        for key, version in expected:
            row = stored[footprint.index(key)]
            if row is None or row.version != version:
                return Refused(Stale(key))
        return plan(stored)

    return guarded


def _nothing() -> None:
    pass


async def _closed(*arguments: Any, **options: Any) -> NoReturn:
    raise EngineClosed("the engine is closed")
