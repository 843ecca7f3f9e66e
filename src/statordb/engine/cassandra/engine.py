"""The scale-out engine: `contract.Engine` on an Apache Cassandra cluster that any number of processes share."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from statordb.engine.cassandra.cluster.clock import STEP, Clock
from statordb.engine.cassandra.cluster.clocks import SKEW_SECONDS_MAX
from statordb.engine.cassandra.cluster.membership import Membership
from statordb.engine.cassandra.cql import keys, schema
from statordb.engine.cassandra.cql.reader import Reader
from statordb.engine.cassandra.cql.session import Contact, Session, Unreachable
from statordb.engine.cassandra.cql.spaces import Spaces
from statordb.engine.cassandra.cql.tallies import Folding, Tallies
from statordb.engine.cassandra.owed.journal import Journal
from statordb.engine.cassandra.owed.logs import Logs
from statordb.engine.cassandra.owed.recovery import Recovery
from statordb.engine.cassandra.owed.relay import Relay
from statordb.engine.cassandra.several.transactions import Transactions
from statordb.engine.cassandra.single.effects import PARTITION_BYTES_MAX, SORT_BYTES_MAX
from statordb.engine.cassandra.single.guards import Guards
from statordb.engine.cassandra.single.writer import Writer
from statordb.engine.cassandra.updates import Updates
from statordb.engine.contract import (
    Change,
    Effects,
    EngineClosed,
    Guard,
    Heads,
    Key,
    PageBudget,
    Plan,
    Refused,
    Stale,
    Stored,
    StoreUnusable,
    Traits,
    Usage,
    Use,
    as_it_is,
)

TRAITS = Traits(
    name="cassandra",
    sort_bytes_max=SORT_BYTES_MAX,
    partition_bytes_max=PARTITION_BYTES_MAX,
    global_indexes_strong=False,
    guards=False,
    epoch=False,
    remote=True,
    change_step=STEP,
)
FLUSH_SECONDS = 1.0
FLUSHES = 600  # before spaces are asked for that others dropped
TABLE_POOL = 4

log = logging.getLogger(__name__)


class CassandraEngine:
    """One process's engine on a cluster. `open` it in a running event loop, and use it there only.

    Callers need not be tasks; what takes timeouts runs in tasks of its own.
    """

    traits = TRAITS
    here = None
    disguise = staticmethod(as_it_is)

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
        self._tallies = Tallies(session, lambda: self._membership.incarnation)
        self._folding = Folding(self._tallies, self._membership.ended)
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
        self._updates = Updates(
            self._membership,
            self._guards,
            self._reader,
            self._writer,
            self._transactions,
            self._relay,
            self._tallies,
        )
        self.get = self._reader.get
        self.range = self._reader.range
        self.scan = self._reader.scan
        self.segment_of = self._reader.segment_of
        self.trouble = self._membership.clocks.trouble
        self._calls = 0
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
            skew = await engine._membership.clocks.compare()
            if engine._membership.clocks.wrong:
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

    def announced(self, since: int) -> tuple[Sequence[str] | None, int]:
        return self._membership.announced(since)

    async def read(
        self, keys_: Sequence[Key], consistent: bool = True, snapshot: bool = True, heads: Heads | None = None
    ) -> list[Stored | None]:
        self._check_open()
        if snapshot and consistent and len({keys.place(key)[:2] for key in keys_}) > 1:
            return await asyncio.ensure_future(self._transactions.snapshot(keys_))
        return await self._reader.read(keys_, consistent)

    async def update(
        self, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard] = (), head: int | None = None
    ) -> Effects | Refused | Stale:
        with self._call():
            return await self._updates.update(footprint, plan, guards)

    async def log(self, stream: int, shard: bytes, after: int, budget: PageBudget) -> list[Change]:
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
            self._tallies.forget(space)

    async def reclaim(self, rows_max: int) -> bool:
        with self._call():
            return await self._spaces.reclaim(rows_max) or await self._folding.run_once()

    async def trim(self, stream: int, shard: bytes, upto: int, rows_max: int) -> bool:
        with self._call():
            return await self._logs.trim(stream, shard, upto, rows_max)

    def metrics(self) -> dict[str, float]:
        """Totals of this process, and what it owes: `owed_updates`, whose oldest is `owed_seconds` old (the lag of
        global indexes and streams). `watermark_seconds`: how far behind readers of logs are kept."""
        writer = self._writer
        return {
            "updates_total": self._updates.updates_total,
            "refused_total": self._updates.refused_total,
            "commits_total": writer.commits_total + self._updates.transactions_total,
            "contended_total": writer.contended_total,
            "retries_total": self._session.retries_total,
            "unknown_total": self._session.unknown_total,
            "owed_updates": self._journal.pending,
            "owed_seconds": self._journal.oldest_seconds(),
            "watermark_seconds": self._membership.watermark_seconds(),
            "skew_seconds": abs(self._membership.clocks.skew.seconds),
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
        """Write the totals down now and then, and forget those of spaces that are no more."""
        while True:
            for _ in range(FLUSHES):
                await asyncio.sleep(FLUSH_SECONDS)
                with contextlib.suppress(Exception):  # kept in memory, and written with the next
                    await self._tallies.flush()
            with contextlib.suppress(Exception):  # as well as the next time
                await self._tallies.forget_dropped(self._spaces.spaces)

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


async def _closed(*arguments: Any, **options: Any) -> NoReturn:
    raise EngineClosed("the engine is closed")
