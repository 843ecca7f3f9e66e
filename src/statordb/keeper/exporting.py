"""One run of an export: its data files, and then what tells of them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from hashlib import blake2b

from statordb.commands.export_filter import ExportFilter, export_filter
from statordb.exchange.layout import FILE_NAME_BYTES
from statordb.exchange.manifests import DataFile, Summary, Window, checksum, files_text
from statordb.keeper.export_files import (
    Batches,
    Billed,
    ExportFiles,
    Pack,
    T,
    of_changes,
    of_items,
    packing_changes,
    packing_items,
)
from statordb.keeper.export_source import ExportSource
from statordb.keeper.sources import Failed, failed
from statordb.model.schema import KeySchema
from statordb.objects.contract import Bucket, Encryption
from statordb.objects.faults import AccessDenied, BadName, ObjectsFault
from statordb.store.access import PrimaryPath
from statordb.store.jobs.records import COMPLETED, NEW_AND_OLD_IMAGES, ExportRecord
from statordb.store.records import TableRecord
from statordb.store.store import Store

BILLED_BYTES_MIN = 10_000_000  # of an incremental export (EXPORT-019)


class Taken(Exception):
    """Another keeper goes on with the export."""


class Exporting:
    """`bucket`: where the files go. Files of earlier runs, which nothing tells of, are removed: names are of a run, so
    that a keeper that lost its lease can't write over those of another."""

    def __init__(self, store: Store, source: ExportSource, bucket: Bucket, record: ExportRecord) -> None:
        self._store = store
        self._source = source
        self._bucket = bucket
        self._record = record
        self._layout = record.layout
        self._encryption = _encryption(record)

    async def run(self) -> ExportRecord:
        """The record, now that all is there. Raises Failed, Taken, and what may pass."""
        try:
            await self._put(self._layout.started, b"")
            await self._drop_former()
            billed = Billed()
            files = await self._write(billed)
            return await self._finish(files, billed.size)
        except ObjectsFault as fault:
            raise _failed(fault) from fault

    async def _write(self, billed: Billed) -> Sequence[DataFile]:
        record, source = self._record, self._source
        wanted = _filter(record, await source.table())
        if not record.is_incremental:
            return await self._written(of_items(source.items(), billed), packing_items(wanted))
        pack = packing_changes(wanted, record.view == NEW_AND_OLD_IMAGES)
        files = await self._written(of_changes(source.changes(), billed), pack)
        billed.size = max(billed.size, BILLED_BYTES_MIN)
        return files

    async def _written(self, batches: Batches[T], pack: Pack[T]) -> Sequence[DataFile]:
        form = self._record.export_format
        return await ExportFiles[T](self._bucket, form, self._encryption, self._name, self._begins).write(batches, pack)

    def _name(self, number: int, run: int | None = None) -> str:
        text = f"{self._record.arn}/{self._record.run if run is None else run}/{number}"
        return self._layout.data(blake2b(text.encode(), digest_size=FILE_NAME_BYTES).digest())

    async def _begins(self, count: int) -> None:
        """Note that there is to be a file more."""
        run = self._record.run
        await self._advance(begun=[*(each for each in self._record.begun if each[0] != run), [run, count]])

    async def _drop_former(self) -> None:
        """Remove the data files of earlier runs, as far as the server may."""
        if not self._record.begun:
            return
        with suppress(AccessDenied):
            for run, count in self._record.begun:
                for number in range(count):
                    await self._bucket.delete(self._name(number, run))
        await self._advance(begun=[])

    async def _finish(self, files: Sequence[DataFile], size: int) -> ExportRecord:
        await self._advance()  # whoever has it by now tells of its own files
        layout, now, count = self._layout, round(self._store.clock.now(), 3), sum(file.item_count for file in files)
        listed, summary = files_text(files), _summary(self._record, now, count, size).text()
        for name, content in (
            (layout.files, listed),
            (layout.files_checksum, checksum(listed)),
            (layout.summary, summary),
            (layout.summary_checksum, checksum(summary)),
        ):
            await self._put(name, content)
        await self._advance(status=COMPLETED, ended_at=now, items=count, size=size)
        return self._record

    async def _put(self, name: str, content: bytes) -> None:
        await self._bucket.put(name, _once(content), self._encryption)

    async def _advance(self, **members: object) -> None:
        advanced = await self._store.exports.advance(self._record, **members)
        if advanced is None:
            raise Taken
        self._record = advanced


async def _once(content: bytes) -> AsyncIterator[bytes]:
    if content:
        yield content


def _summary(record: ExportRecord, ended_at: float, count: int, size: int) -> Summary:
    window = None if record.since is None else Window(_ms(record.since), _ms(record.until), record.view)
    return Summary(
        export_arn=record.arn,
        start_time=_ms(record.started_at),
        end_time=_ms(ended_at),
        table_arn=record.table_arn,
        table_id=record.table_id,
        export_time=None if window else _ms(record.until),
        window=window,
        s3_bucket=record.asked["S3Bucket"],
        s3_prefix=record.asked.get("S3Prefix"),
        s3_sse_algorithm=record.sse_algorithm,
        s3_sse_kms_key_id=record.asked.get("S3SseKmsKeyId"),
        manifest_files_s3_key=record.layout.files,
        billed_size_bytes=size,
        item_count=count,
        output_format=record.export_format,
    )


def _filter(record: ExportRecord, table: TableRecord) -> ExportFilter | None:
    specification = record.asked.get("FilterSpecification")
    if specification is None:
        return None
    return export_filter(specification, PrimaryPath(table.space, KeySchema.parse(table.key_schema, table.definitions)))


def _encryption(record: ExportRecord) -> Encryption | None:
    """None where the bucket says how, which S3 always does."""
    if record.sse_algorithm == "KMS":
        return Encryption("aws:kms", record.asked.get("S3SseKmsKeyId") or "")
    return Encryption("AES256") if record.asked.get("S3SseAlgorithm") else None


def _failed(fault: ObjectsFault) -> Exception:
    """What a fault of S3 comes to. Of a key, as AWS tells it (EXPORT-005 and -011); of a name that an object can't have
    it is not the bucket's fault."""
    told = failed(fault)
    if not isinstance(told, Failed):
        return told
    if fault.code.startswith("KMS."):
        return Failed(f"Kms{fault.code.removeprefix('KMS.')}", told.text)
    return Failed(f"S3{fault.code}", told.text) if isinstance(fault, BadName) else told


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
