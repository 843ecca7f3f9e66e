"""Makes the tables that are imported, and fills them. Who comes after a keeper that died reads from the start again,
and finds what is there."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path

from statordb.keeper.filling import Filling
from statordb.keeper.intake.frames import Order
from statordb.keeper.intake.loader import Loader
from statordb.keeper.intake.reading import Get, Piece, Reading
from statordb.keeper.job_log import ErrorLog, forget
from statordb.keeper.sources import Failed, Sources, failed
from statordb.keeper.supervised import supervised
from statordb.keeper.tidying import Tidying
from statordb.keeper.works import Works
from statordb.metering.series import BILLED, Series
from statordb.model.errors import ClientError
from statordb.objects.faults import ObjectsFault
from statordb.store import records
from statordb.store.catalog import creation
from statordb.store.jobs.records import COMPLETED, FAILED, ImportRecord
from statordb.store.records import NEVER, TableRecord
from statordb.store.store import Store
from statordb.store.terms import Refused

RUN_SECONDS = 0.1
TOLD_SECONDS = 2.0  # between two looks of how far an import is
AT_ONCE = 2  # each has rows in memory (LOADED_BYTES_MAX), and a process
IMPORTED = "ImportDataSize-Bytes"  # usage type
_INVALID = (
    "ItemValidationError",
    "Some of the items failed validation checks and were not imported. Please check CloudWatch error logs for more "
    "details.",
)


class Imports:
    """A little of each in a run. `directory`: of the logs of what could not be imported."""

    name = "imports"
    every_seconds = 0.1

    def __init__(
        self, store: Store, sources: Sources, directory: Path, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._sources = sources
        self._directory = directory
        self._monotonic = monotonic
        self._works = Works(monotonic, RUN_SECONDS, AT_ONCE)
        self._tidying = Tidying(store.imports, partial(forget, directory))

    async def run_once(self) -> bool:
        await self._tidying.run(self._store.clock.now())
        under_way = await self._store.imports.under_way()
        return await self._works.run({record.arn: partial(self._work, record) for record in under_way})

    async def rest(self) -> None:
        await self._works.rest()

    def _work(self, record: ImportRecord) -> AsyncIterator[None]:
        return supervised(self._import(record))

    async def _import(self, record: ImportRecord) -> None:
        begun = await self._store.imports.begin(record)
        if begun is None:
            return
        try:
            if begun.failure is not None:
                raise Failed(*begun.failure)
            await self._fill(begun)
        except Failed as fault:
            await self._end(begun, fault)

    async def _fill(self, record: ImportRecord) -> None:
        """Raises Failed, and what may pass."""
        source, store = record.asked["S3BucketSource"], self._store
        if not record.loaded:
            bucket, found = self._sources.bucket(source), await self._sources.listed(source)
            table = await self._table(record)
            import_ = Import(store, record, table, self._monotonic)
            with ErrorLog(self._directory, record) as log:
                try:
                    if not await import_.run([each.name for each in found], bucket.get, log):
                        return
                except ObjectsFault as fault:
                    raise failed(fault) from None
            counted = await store.imports.advance(record, loaded=True, **import_.counts)
            if counted is None:
                return
            tap = store.taps.of_table(table.account, table.region, table.name, table.id)
            tap.add(Series(BILLED, kind=IMPORTED), import_.unpacked)
            record = counted
        await self._open(record)
        await self._end(record, Failed(*_INVALID) if record.errors else None)

    async def _table(self, record: ImportRecord) -> TableRecord:
        """The table that is filled, made if need be. Raises Failed."""
        made, store = record.new_table, self._store
        name = (made.account, made.region, made.name)
        existing = await store.catalog.reload(*name)
        if existing is None:
            draft = store.draft()
            now, space = store.clock.now(), await draft.rows()
            indexes = [replace(index, space=await draft.derived()) for index in made.indexes]
            made = replace(
                made, space=space, indexes=indexes, created_at=round(now, 3), settles_at=NEVER, import_arn=record.arn
            )
            try:
                async with store.admission.new_table(*name):
                    created = await store.catalog.change(*name, creation(made, now), draft)
            except ClientError as fault:
                await draft.give_back()
                raise Failed(fault.type.rpartition("#")[2], fault.message or "") from None
            current = created.reason if isinstance(created, Refused) else created
        else:
            current = existing.record
        if current is None or current.import_arn != record.arn or not current.is_being_filled:
            raise Failed("TableAlreadyExists", f"Table already exists: {made.name}")
        return current

    async def _open(self, record: ImportRecord) -> None:
        """Let the table be used, if that was not done yet."""
        table = await self._store.catalog.reload(record.account, record.region, record.table)
        if table is not None and table.record.import_arn == record.arn:
            ready = partial(replace, status="ACTIVE", settles_at=self._store.clock.now(), import_arn=None)
            await Filling(self._store, table.record).end(ready)

    async def _end(self, record: ImportRecord, fault: Failed | None) -> None:
        await self._store.imports.advance(
            record,
            status=COMPLETED if fault is None else FAILED,
            ended_at=round(self._store.clock.now(), 3),
            failure=None if fault is None else [fault.code, fault.text],
        )


class Import:
    """The filling of one table with what objects hold. `unpacked`: bytes that were read."""

    def __init__(self, store: Store, record: ImportRecord, table: TableRecord, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._record = record
        self._table = table
        self._monotonic = monotonic
        self._processed = self._errors = self._size = self.unpacked = 0
        self._tell_at = 0.0

    @property
    def counts(self) -> dict[str, int]:
        return {"processed": self._processed, "errors": self._errors, "size": self._size}

    async def run(self, names: list[str], get: Get, log: ErrorLog) -> bool:
        """False where somebody else goes on with it. Raises what may pass, and ObjectsFault."""
        loader = Loader(self._store, Filling(self._store, self._table))
        async with Reading(self._order()) as reading, aclosing(reading.pieces(names, get)) as pieces:
            async for piece in pieces:
                self._count(piece, log)
                if not await loader.add(piece.found.rows) or not await self._tell():
                    return False
        return await loader.finish()

    def _order(self) -> Order:
        asked = self._record.asked
        csv = (asked.get("InputFormatOptions") or {}).get("Csv") or {}
        header = csv.get("HeaderList")
        return Order(
            records.dump(self._table),
            asked["InputFormat"],
            asked.get("InputCompressionType") or "NONE",
            csv.get("Delimiter") or ",",
            None if header is None else tuple(header),
            False,
        )

    def _count(self, piece: Piece, log: ErrorLog) -> None:
        found = piece.found
        self._processed += found.items
        self._errors += len(found.faults)
        self._size += found.taken
        self.unpacked += found.unpacked
        for index, _, message, _ in found.faults:
            log.add(piece.name, index, message)
        if piece.lost is not None and found.over and not found.stopped:  # an object that went counts as a line
            self._processed += 1
            self._errors += 1
            log.add(piece.name, None, piece.lost)

    async def _tell(self) -> bool:
        """Note how far it is; False: somebody else goes on."""
        now = self._monotonic()
        if now < self._tell_at:
            return True
        self._tell_at = now + TOLD_SECONDS
        return await self._store.imports.advance(self._record, **self.counts) is not None
