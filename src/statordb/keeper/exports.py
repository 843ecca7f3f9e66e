"""Makes the exports that were asked for. Who comes after a keeper that died begins again, under other names."""

import time
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import NamedTuple

from statordb.archive.objects import Bucket
from statordb.keeper.crew import Crew, Report
from statordb.keeper.export_source import ExportSource
from statordb.keeper.exporting import Exporting, Taken
from statordb.keeper.sources import Failed, Sources
from statordb.keeper.tidying import Tidying
from statordb.metering.series import BILLED, Series
from statordb.objects.faults import ObjectsFault
from statordb.store.jobs.records import FAILED, ExportRecord
from statordb.store.store import Store

AT_ONCE = 2  # each has parts of a table in memory, and of a file
PAUSE_SECONDS_MIN = 1.0  # before one that failed of what may pass is begun again; it doubles
PAUSE_SECONDS_MAX = 60.0
TRIED_SECONDS = 600.0  # for which it is
FULL, INCREMENTAL = "ExportDataSize-Bytes", "IncrementalExportDataSize-Bytes"  # usage types


class _Trouble(NamedTuple):
    """Of an export: since when it is in it, when it is tried again, and how long it rests."""

    since: float
    until: float
    pause: float


class Exports:
    """A task for each of a few. `own`: where the changes of tables lie; `sources`: where exports go to."""

    name = "exports"
    every_seconds = 0.5

    def __init__(
        self,
        store: Store,
        own: Bucket,
        sources: Sources,
        report: Report,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._own = own
        self._sources = sources
        self._report = report
        self._monotonic = monotonic
        self._crew = Crew(self.name, report)
        self._running: set[str] = set()  # ARNs
        self._troubles: dict[str, _Trouble] = {}
        self._tidying = Tidying(store.exports)

    async def run_once(self) -> bool:
        await self._tidying.run(self._store.clock.now())
        chosen = self._chosen(await self._store.exports.under_way())
        await self._crew.reconcile({self._key(record): partial(self.export, record) for record in chosen})
        return False

    async def rest(self) -> None:
        await self._crew.rest()

    def _key(self, record: ExportRecord) -> Hashable:
        """Of one try: a task that has ended is not begun again."""
        trouble = self._troubles.get(record.arn)
        return record.arn, 0.0 if trouble is None else trouble.until

    def _chosen(self, under_way: Sequence[ExportRecord]) -> Sequence[ExportRecord]:
        """Those that are made now: the ones that are begun first, none that rests."""
        now, arns = self._monotonic(), {record.arn for record in under_way}
        self._troubles = {arn: each for arn, each in self._troubles.items() if arn in arns}
        ready = [each for each in under_way if each.arn not in self._troubles or now >= self._troubles[each.arn].until]
        return sorted(ready, key=lambda each: each.arn not in self._running)[:AT_ONCE]

    async def export(self, record: ExportRecord) -> None:
        """Make one, if nothing is in its way."""
        self._running.add(record.arn)
        try:
            await self._made(record)
        except Taken:
            pass
        except Exception as fault:
            self._report(self.name, fault)
            await self._rest(record, fault)
        finally:
            self._running.discard(record.arn)

    async def _made(self, record: ExportRecord) -> None:
        begun = await self._store.exports.begin(record)
        if begun is None:
            return
        try:
            if begun.failure is not None:
                raise Failed(*begun.failure)
            bucket = self._sources.bucket(begun.asked)
            done = await Exporting(self._store, ExportSource(self._store, self._own, begun), bucket, begun).run()
        except Failed as fault:
            await self._fail(begun, fault)
            return
        kind = INCREMENTAL if done.is_incremental else FULL
        tap = self._store.taps.of_table(done.account, done.region, done.table, done.table_id)
        tap.add(Series(BILLED, kind=kind), done.size)

    async def _rest(self, record: ExportRecord, fault: Exception) -> None:
        """Try again later what may pass, for some time."""
        now = self._monotonic()
        before = self._troubles.get(record.arn)
        pause = PAUSE_SECONDS_MIN if before is None else min(2 * before.pause, PAUSE_SECONDS_MAX)
        since = now if before is None else before.since
        if now - since < TRIED_SECONDS:
            self._troubles[record.arn] = _Trouble(since, now + pause, pause)
            return
        code, text = "InternalServerError", "The export failed of an internal error."
        if isinstance(fault, ObjectsFault):
            code, text = f"S3{fault.code}", fault.text
        current = await self._store.exports.begin(record)
        if current is not None:
            await self._fail(current, Failed(code, text))

    async def _fail(self, record: ExportRecord, fault: Failed) -> None:
        ended = round(self._store.clock.now(), 3)
        await self._store.exports.advance(record, status=FAILED, ended_at=ended, failure=[fault.code, fault.text])
