"""Lets the ledger grow old: its rows become fewer, and go in the end; of tables that are gone some are kept."""

import logging
from dataclasses import replace
from heapq import heappush, heappushpop

from statordb.metering.minutes import DAY
from statordb.metering.series import REST, TABLE
from statordb.store.ledger.ageing import Ageing
from statordb.store.ledger.ledger import Scope
from statordb.store.ledger.records import SubjectRecord
from statordb.store.ledger.settling import Settling
from statordb.store.store import Store

SUBJECTS_MAX = 20  # brought to their age in one run
ROUND_MINUTES = 10  # of the ledger, between two rounds through all subjects
GONE_MAX = 1000  # tables of an account in a region that are gone, and kept by themselves until they are too old

log = logging.getLogger(__name__)


class Ledger:
    """Some subjects a run, through all of them, then again after a while."""

    name = "ledger"

    def __init__(self, store: Store, gone_max: int = GONE_MAX) -> None:
        self._store = store
        self._gone_max = gone_max
        self._ageing = Ageing(store.engine, store.ledger.minutes)
        self._settling = Settling(store.engine, store.ledger, self._ageing)
        self._scope: Scope | None = None  # whose subjects are looked at
        self._after: str | None = None  # those behind that one
        self._gone: list[tuple[float, str, SubjectRecord]] = []  # a heap: of those seen there the last that went
        self._now = 0.0
        self._is_empty = True  # as far as one has looked
        self._is_told = False
        self.every_seconds = float(ROUND_MINUTES * store.ledger.minutes.seconds)

    async def run_once(self) -> bool:
        if self._scope is None:
            await self._begin()
        scope = self._scope or await self._next()
        if scope is None:
            return False
        self._scope, count = scope, 0
        async for known in self._store.ledger.subjects(*scope, after=self._after, at_once=SUBJECTS_MAX):
            self._is_empty = False
            await self._look_at(known)
            self._after, count = f"{known.kind}/{known.name}/{known.id}", count + 1
            if count >= SUBJECTS_MAX:
                return True
        if self._is_empty:
            await self._store.ledger.forget(scope)
        self._after, self._gone, self._is_empty = None, [], True
        following = await self._next()
        self._scope = following
        return following is not None

    async def _begin(self) -> None:
        """A round begins: by what time."""
        now = self._store.clock.now()
        self._now = await self._store.ledger.pass_time(now)
        is_ahead = now - self._now > DAY * self._store.ledger.minutes.seconds
        if is_ahead and not self._is_told:
            log.warning("the clock is far ahead of what the ledger has seen: what is old goes a day at a time")
        self._is_told = is_ahead

    async def _next(self) -> Scope | None:
        async for scope in self._store.ledger.scopes(self._scope):
            return scope
        return None

    async def _look_at(self, known: SubjectRecord) -> None:
        await self._ageing.age(known, self._now)
        is_old = known.created_at < self._now - self._store.ledger.minutes.ages()[-1].after
        if known.kind != TABLE:
            if is_old and known.kind != REST:
                await self._ageing.forget(known)
            return
        if known.deleted_at is None:
            if await self._is_there(known):
                return
            known = replace(known, deleted_at=await self._store.ledger.end(known.subject, self._store.clock.now()))
        if is_old and await self._ageing.forget(known):
            return
        await self._keep(known)

    async def _keep(self, gone: SubjectRecord) -> None:
        """Keep a table that is gone, and settle the one that went first where they are too many."""
        assert gone.deleted_at is not None, "it is gone"
        if gone.settled:
            await self._settling.settle(gone, self._now)
            return
        each = (gone.deleted_at, gone.id, gone)
        if len(self._gone) < self._gone_max:
            heappush(self._gone, each)
        else:
            await self._settling.settle(heappushpop(self._gone, each)[-1], self._now)

    async def _is_there(self, known: SubjectRecord) -> bool:
        table = await self._store.catalog.stored(known.account, known.region, known.name)
        now = self._store.clock.now()
        return table is not None and table.id == known.id and table.status_at(now) not in (None, "DELETING")
