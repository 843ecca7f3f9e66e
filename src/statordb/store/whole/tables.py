"""The record of a table that comes back with its store: in spaces of its own, empty, then filled, then in use."""

from dataclasses import replace

from statordb.store import destinations, readers
from statordb.store.catalog import Rows
from statordb.store.readers import Decide
from statordb.store.records import NEVER, DestinationRecord, IndexRecord, RestoreRecord, TableRecord, stream_reader
from statordb.store.spaces import Draft
from statordb.store.store import Store
from statordb.store.terms import Refused


async def emptied(source: TableRecord, at: float, draft: Draft) -> TableRecord:
    """The record of a table that nobody uses until it is filled. `source`: as it was at the time `at`. One that was
    being restored from a backup then is so again, from its beginning."""
    space = await draft.rows()
    indexes: list[IndexRecord] = []
    for index in source.indexes:
        if index.status != "DELETING":
            within = await (draft.within(space) if index.local else draft.derived())
            indexes.append(replace(index, space=within, status="ACTIVE", backfilling=False))
    expiry = source.expiry and replace(source.expiry, space=await draft.derived(), ready=True)
    return replace(
        source,
        space=space,
        indexes=indexes,
        expiry=expiry,
        leftover=[],
        log=None,
        track=None,
        stream_view=None,
        destinations=[_ended(each) for each in source.destinations],
        sealed_by=source.sealed_by[-1:],
        status="CREATING",
        settles_at=NEVER,
        restore=source.restore or RestoreRecord(source.arn, at, ""),
    )


def is_filled_by_keeper(record: TableRecord) -> bool:
    """Whether a table is restored from a backup, or to a moment, and so not with its store."""
    return record.restore is not None and bool(record.restore.backup or record.restore.track)


def opening(store: Store, source: TableRecord, space: int, now: float) -> Decide:
    """What puts a table into use that is filled: its stream, under the same name, and its Kinesis destination begin
    with nothing in them. Refused where it is not the one of that space, or in use already."""

    def decide(rows: Rows) -> Rows | Refused:
        if rows.table is None or rows.table.space != space or rows.table.restore is None:
            return Refused(None)
        table = replace(rows.table, status="ACTIVE", settles_at=now, restore=None)
        label, view, views = source.stream_label, source.stream_view, dict[str, str]()
        if label is not None and view is not None:
            table, views = replace(table, stream_view=view), {stream_reader(label): view}
        sent = _sent(source)
        if sent is not None and rows.log is not None:
            sending = destinations.enabled(table, sent.stream_arn, sent.precision, rows.log, now)
            assert sending is not None, "none is live"
            begun = destinations.find(sending, sent.stream_arn)
            assert begun is not None
            assert begun.reader is not None
            table, views = sending, {**views, begun.reader: destinations.VIEW}
        if not views:
            return rows._replace(table=table)
        joined = readers.roll(rows._replace(table=table), views, now, store.stream_shards)
        if label is None or view is None:
            return joined
        return joined._replace(stream=readers.begun(store, joined, label, view, now))

    return decide


def has_readers(source: TableRecord) -> bool:
    """Whether somebody reads the log of a table that comes back."""
    return source.stream_view is not None or _sent(source) is not None


def _sent(source: TableRecord) -> DestinationRecord | None:
    """Where changes of a table are to be sent."""
    live = destinations.live(source)
    return None if live is None or live.status == "DISABLING" else live


def _ended(destination: DestinationRecord) -> DestinationRecord:
    if destination.log is None:
        return destination
    return replace(destination, status="DISABLED", precision=None, reader=None, log=None)
