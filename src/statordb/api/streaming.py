"""StreamSpecification of CreateTable and UpdateTable: the life of a table's stream, always changed with its table."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from statordb.api.context import Context
from statordb.model import errors
from statordb.store import readers
from statordb.store.catalog import Rows
from statordb.store.records import TableRecord, stream_reader
from statordb.store.spaces import Draft
from statordb.store.store import Store
from statordb.store.table import BUSY
from statordb.store.terms import Refused

Change = Callable[[TableRecord | None], TableRecord | Refused]
"""What becomes of a table's record, its stream apart."""

_TAKEN = object()  # a refusal's reason: there is a stream of that label
_MOVED = object()  # a refusal's reason: the table has another stream than it had when its record was read


# What CreateTable and UpdateTable say of a view that is missing, and of one too many.
CREATED = (
    "Table is being created with a stream enabled, UpdateViewType is required",
    "Table is being created with a stream disabled, UpdateViewType should not be specified",
)
CHANGED = (
    "If stream is being enabled then UpdateViewType is required",
    "If stream is being disabled, then UpdateViewType must not be specified",
)


def check(specification: dict[str, Any] | None, texts: tuple[str, str]) -> None:
    """Raises ValidationException for a StreamSpecification that says two things. `texts`: CREATED or CHANGED."""
    if specification is None:
        return
    view = specification.get("StreamViewType")
    if specification["StreamEnabled"]:
        if not view:
            raise errors.invalid_parameters(texts[0])
    elif view is not None:
        raise errors.invalid_parameters(texts[1])


def wants(specification: dict[str, Any]) -> bool:
    """Whether a StreamSpecification asks for a stream."""
    return bool(specification.get("StreamEnabled"))


async def enable(
    context: Context,
    scope: tuple[str, str, str],
    record: TableRecord | None,
    change: Change,
    view: str,
    draft: Draft,
) -> TableRecord | Refused:
    """Create or alter a table's record, and give it a new stream. Refused as `change` does, or with a ClientError.

    `record`: the table's as it was read, if there is one. `draft`: new spaces that the record names then, beside the
    log's.
    """
    store, now = context.store, context.now()
    moment = datetime.fromtimestamp(now, UTC)
    for _ in range(readers.TRIES_MAX):
        label = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}"

        def decide(rows: Rows, label: str = label) -> Rows | Refused:
            changed = change(rows.table)
            if isinstance(changed, Refused):
                return changed
            if changed.stream_view is not None:
                return Refused(errors.validation(f"Table already has an enabled stream: TableName: {changed.name}"))
            if rows.stream is not None:
                return Refused(_TAKEN)
            streamed = replace(changed, stream_label=label, stream_view=view)
            joined = readers.join(store, rows._replace(table=streamed), stream_reader(label), view, now)
            if isinstance(joined, Refused):
                return joined
            return joined._replace(stream=readers.begun(store, joined, label, view, now))

        outcome = await readers.change(store, scope, record, decide, label=label, joins=True, draft=draft)
        if not isinstance(outcome, Refused) or outcome.reason is not _TAKEN:
            return await _told(outcome, draft)
        moment += timedelta(milliseconds=1)  # a table of that name had one in the same millisecond
    await draft.give_back()
    raise errors.throttling(BUSY)


async def disable(
    context: Context, record: TableRecord, change: Change, required: bool, draft: Draft | None = None
) -> TableRecord | Refused:
    """Alter a table's record and disable its stream, which stays readable. `required`: refused if there is none.
    `draft`: new spaces that the record names then."""
    store, now = context.store, context.now()

    def decide(rows: Rows) -> Rows | Refused:
        changed = change(rows.table)
        if isinstance(changed, Refused):
            return changed
        if changed.stream_view is None:
            if required:
                return Refused(errors.validation(f"Table has no stream to disable: TableName: {changed.name}"))
            return Rows(changed, None, None)
        return _ended(store, rows._replace(table=changed), now)

    return await _disable(context, record, decide, draft)


async def end(context: Context, record: TableRecord, change: Change) -> TableRecord | Refused:
    """Alter the record of a table that is going: its log is closed, and its stream disabled."""
    store, now = context.store, context.now()

    def decide(rows: Rows) -> Rows | Refused:
        changed = change(rows.table)
        if isinstance(changed, Refused):
            return changed
        ended: Rows | Refused = rows._replace(table=changed)
        if changed.stream_view is not None:
            ended = _ended(store, rows._replace(table=changed), now)
        if isinstance(ended, Refused) or ended.log is None:
            return ended
        return readers.roll(ended, {}, now, store.stream_shards)

    return await _disable(context, record, decide, None)


async def _disable(
    context: Context, record: TableRecord, decide: readers.Decide, draft: Draft | None
) -> TableRecord | Refused:
    name = (record.account, record.region, record.name)
    for _ in range(readers.TRIES_MAX):
        outcome = await readers.change(context.store, name, record, decide, label=record.stream_label, draft=draft)
        if not isinstance(outcome, Refused) or outcome.reason is not _MOVED:
            return await _told(outcome, draft)
        record = (await context.current(*name)).record
    raise errors.throttling(BUSY)


async def _told(outcome: TableRecord | Refused, draft: Draft | None) -> TableRecord | Refused:
    if draft is not None and isinstance(outcome, Refused):
        await draft.give_back()
    return outcome


def _ended(store: Store, rows: Rows, now: float) -> Rows | Refused:
    """The records with the table's stream disabled."""
    table, stream = rows.table, rows.stream
    assert table is not None
    if stream is None or table.stream_label != stream.label:
        return Refused(_MOVED)
    left = readers.leave(rows._replace(table=replace(table, stream_view=None)), stream.reader, now, store.stream_shards)
    return left._replace(stream=replace(stream, disabled_at=now, settles_at=now + store.table_delay_seconds))
