"""StreamSpecification of CreateTable and UpdateTable: the life of a table's stream, always changed with its table."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from statordb.api.context import Context
from statordb.model import errors
from statordb.store import streams
from statordb.store.records import TableRecord
from statordb.store.spaces import Draft
from statordb.store.store import Store
from statordb.store.streams import StreamRecord
from statordb.store.table import BUSY
from statordb.store.terms import Refused

Change = Callable[[TableRecord | None], TableRecord | Refused]
"""What becomes of a table's record, its stream apart."""

TRIES_MAX = 100  # of a change of a table that others come before
_TAKEN = object()  # a refusal's reason: there is a stream of that label
_MOVED = object()  # a refusal's reason: the table has another stream than it had when its record was read


def check(specification: dict[str, Any] | None) -> None:
    """Raises ValidationException for a StreamSpecification that says two things."""
    if specification is None:
        return
    view = specification.get("StreamViewType")
    if specification["StreamEnabled"]:
        if not view:
            raise errors.validation(
                "Invalid StreamViewType: Stream ViewType must not be null or empty when enabling streams."
            )
    elif view is not None:
        raise errors.validation(
            "Invalid StreamViewType: Stream StreamEnabled was false but a StreamViewType was present."
        )


def wants(specification: dict[str, Any]) -> bool:
    """Whether a StreamSpecification asks for a stream."""
    return bool(specification.get("StreamEnabled"))


async def enable(
    context: Context, scope: tuple[str, str, str], change: Change, view: str, draft: Draft
) -> TableRecord | Refused:
    """Create or alter a table's record, and give it a new stream. Refused as `change` does, or with a ClientError.

    `draft`: new spaces that the record names then, beside the stream's.
    """
    store, now = context.store, context.now()
    space = await draft.log()
    moment = datetime.fromtimestamp(now, UTC)
    for _ in range(TRIES_MAX):
        label = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}"

        def both(current: TableRecord | None, stream: StreamRecord | None, label: str = label) -> Any:
            changed = change(current)
            if isinstance(changed, Refused):
                return changed
            if changed.stream is not None:
                return Refused(errors.validation(f"Table already has an enabled stream: TableName: {changed.name}"))
            if stream is not None:
                return Refused(_TAKEN)
            made = _new(store, changed, space, label, view, now)
            return replace(changed, stream=made.feed(), stream_label=label), made

        outcome = await store.catalog.change_streamed(*scope, label, both, draft)
        if isinstance(outcome, Refused) and outcome.reason is _TAKEN:
            moment += timedelta(milliseconds=1)  # a table of that name had one in the same millisecond
            continue
        return await _told(outcome, draft)
    await draft.give_back()
    raise errors.throttling(BUSY)


async def disable(
    context: Context, record: TableRecord, change: Change, required: bool, draft: Draft | None = None
) -> TableRecord | Refused:
    """Alter a table's record and disable its stream, which stays readable. `required`: refused if there is none.
    `draft`: new spaces that the record names then."""
    store, now = context.store, context.now()
    for _ in range(TRIES_MAX):
        label = record.stream_label or ""

        def both(current: TableRecord | None, stream: StreamRecord | None, label: str = label) -> Any:
            changed = change(current)
            if isinstance(changed, Refused):
                return changed
            if changed.stream is None:
                if required:
                    return Refused(errors.validation(f"Table has no stream to disable: TableName: {changed.name}"))
                return changed, None
            if changed.stream_label != label or stream is None:
                return Refused(_MOVED)
            return replace(changed, stream=None), streams.disabled(stream, now, store.table_delay_seconds)

        scope = (record.account, record.region, record.name)
        outcome = await store.catalog.change_streamed(*scope, label, both, draft)
        if isinstance(outcome, Refused) and outcome.reason is _MOVED:
            record = (await context.current(record.account, record.region, record.name)).record
            continue
        return await _told(outcome, draft)
    raise errors.throttling(BUSY)


async def _told(outcome: TableRecord | Refused | None, draft: Draft | None) -> TableRecord | Refused:
    assert outcome is not None
    if draft is not None and isinstance(outcome, Refused):
        await draft.give_back()
    return outcome


def _new(store: Store, record: TableRecord, space: int, label: str, view: str, now: float) -> StreamRecord:
    return StreamRecord(
        account=record.account,
        region=record.region,
        table=record.name,
        table_id=record.id,
        label=label,
        space=space,
        view=view,
        key_schema=record.key_schema,
        created_at=round(now, 3),
        settles_at=now + store.table_delay_seconds,
        shards=streams.opened(space, (), now, store.stream_shards),
    )
