"""How users, groups and roles begin, are named otherwise, and end: alike, but for what each says of itself."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from statordb.iam_api import boundaries, errors
from statordb.iam_api.context import Context
from statordb.iam_api.holders import Holder, present
from statordb.store.identities.identities import SUMMARY, Row, owner
from statordb.store.identities.records import NameRecord, SummaryRecord


async def begin(context: Context, holder: Holder, made: Any) -> None:
    """Enter one that was allowed. Raises EntityAlreadyExists, LimitExceeded."""

    def change(found: list[Any]) -> list[Any]:
        taken, _, summary, *used = found
        if taken is not None:
            raise errors.exists(holder.title, made.name)
        summary = summary or SummaryRecord()
        if getattr(summary, holder.many) >= holder.count_max:
            raise errors.quota(f"{holder.title}sPerAccount", holder.count_max)
        return [made, NameRecord(holder.sort, made.name), _counted(holder, summary, 1), *boundaries.counted(used, 1)]

    await context.change(_rows(holder, made.name, made), change)


async def rename(
    context: Context,
    holder: Holder,
    name: str,
    known: Any,
    new: str,
    path: str | None,
    keys: Sequence[Row] = (),
) -> None:
    """Give the `known` one, which was asked for by `name`, another name, or path, or both. `keys`: rows of its access
    keys, which name it, and follow. Raises NoSuchEntity, EntityAlreadyExists, and whom somebody else changes."""

    def change(found: list[Any]) -> list[Any]:
        one, name_row, *others = found
        if (present(one, holder, name).id, _keys(one)) != (known.id, _keys(known)):
            raise errors.being_changed(holder.sort, name)
        changed = replace(one, name=new, path=one.path if path is None else path)
        followed = [replace(key, user=new) if key is not None else None for key in others[: len(keys)]]
        named_so = replace(name_row, name=new)
        if not others[len(keys) :]:
            return [changed, named_so, *followed]
        if others[-1] is not None:
            raise errors.exists(holder.title, new)
        return [None, named_so, *followed, changed]

    rows = [holder.row(name), owner(known.id), *keys]
    if holder.row(new) != rows[0]:
        rows.append(holder.row(new))
    await context.change(rows, change)


async def end(context: Context, holder: Holder, name: str, known: Any, must_be_free: Callable[[Any], None]) -> None:
    """Remove the `known` one, which was asked for by `name`. `must_be_free` raises DeleteConflict for what must go
    first, beside policies. Raises NoSuchEntity, and whom somebody else changes."""

    def change(found: list[Any]) -> list[Any]:
        one, _, summary, *used = found
        if (present(one, holder, name).id, one.boundary) != (known.id, known.boundary):
            raise errors.being_changed(holder.sort, name)
        must_be_free(one)
        boundaries.must_have_no_policies(one)
        return [None, None, _counted(holder, summary, -1), *boundaries.counted(used, -1)]

    await context.change(_rows(holder, name, known), change)


def _rows(holder: Holder, name: str, record: Any) -> tuple[Row, ...]:
    return (holder.row(name), owner(record.id), SUMMARY, *boundaries.uses(record.boundary))


def _counted(holder: Holder, summary: SummaryRecord, by: int) -> SummaryRecord:
    return replace(summary, **{holder.many: getattr(summary, holder.many) + by})


def _keys(record: Any) -> Sequence[str]:
    """Only users have any."""
    keys: Sequence[str] = getattr(record, "keys", ())
    return keys
