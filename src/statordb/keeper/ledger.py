"""Lets the ledger grow old: its rows become fewer, and go in the end."""

from statordb.metering.series import TABLE
from statordb.store.ledger.ageing import Ageing
from statordb.store.ledger.records import SubjectRecord
from statordb.store.store import Store

SUBJECTS_MAX = 20  # brought to their age in one run
ROUND_MINUTES = 10  # of the ledger, between two rounds through all subjects


class Ledger:
    """Some subjects a run, through all of them, then again after a while."""

    name = "ledger"

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ageing = Ageing(store.engine, store.ledger.minutes)
        self._left: list[SubjectRecord] = []
        self.every_seconds = float(ROUND_MINUTES * store.ledger.minutes.seconds)

    async def run_once(self) -> bool:
        ledger = self._store.ledger
        if not self._left:
            self._left = [
                each async for account, region in ledger.scopes() async for each in ledger.subjects(account, region)
            ]
        for subject in self._left[:SUBJECTS_MAX]:
            await self._age(subject, self._store.clock.now())
        del self._left[:SUBJECTS_MAX]
        return bool(self._left)

    async def _age(self, known: SubjectRecord, now: float) -> None:
        await self._ageing.age(known, now)
        if known.kind != TABLE:
            return
        if known.deleted_at is None and await self._is_there(known, now):
            return
        if known.deleted_at is None:
            await self._store.ledger.end(known.subject, now)
        if known.created_at < now - self._store.ledger.minutes.ages()[-1].after:
            await self._ageing.forget(known)

    async def _is_there(self, known: SubjectRecord, now: float) -> bool:
        table = await self._store.catalog.stored(known.account, known.region, known.name)
        return table is not None and table.id == known.id and table.status_at(now) not in (None, "DELETING")
