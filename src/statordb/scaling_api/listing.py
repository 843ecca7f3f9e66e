"""What lists of targets, policies and scheduled actions go over."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeVar

from statordb.scaling_api import errors
from statordb.scaling_api.context import Context
from statordb.store.scaling.records import SERVICE, ActionRecord, PolicyRecord, TargetRecord

T = TypeVar("T", PolicyRecord, ActionRecord)


def check_scope(context: Context) -> None:
    """Raises ValidationException for a dimension that is not of a resource."""
    asked = context.asked
    if asked.get("ScalableDimension") is not None and not (asked.get("ResourceId") or asked.get("ResourceIds")):
        raise errors.validation("Scalable dimension may only be specified when resource ID is also specified")


async def targets(
    context: Context, after: str | None, resources: Sequence[str] | None
) -> AsyncIterator[tuple[str, TargetRecord | None]]:
    """Targets from a place on, that one included; None stands for those that were not asked for."""
    asked, principal = context.asked, context.principal
    if asked["ServiceNamespace"] != SERVICE:
        return
    dimension, stored = asked.get("ScalableDimension"), context.store.scaling.targets
    async for record in stored.each(principal.account, principal.region, after, resources):
        wanted = resources is None or record.resource in resources
        wanted = wanted and dimension in (None, record.dimension)
        yield place_of(record), record if wanted else None


async def parts(
    context: Context,
    after: str | None,
    names: Sequence[str] | None,
    of: Callable[[TargetRecord], list[T]],
) -> AsyncIterator[tuple[str, tuple[TargetRecord, T] | None]]:
    """Policies or scheduled actions of targets, behind a place."""
    resource = context.asked.get("ResourceId")
    begin = None if after is None else "\0".join(after.split("\0")[:2])
    async for place, target in targets(context, begin, None if resource is None else [resource]):
        if target is None:
            yield place, None
            continue
        for part in sorted(of(target), key=lambda each: each.name):
            here = f"{place}\0{part.name}"
            if after is None or here > after:
                yield here, (target, part) if names is None or part.name in names else None


async def behind(
    items: AsyncIterator[tuple[str, TargetRecord | None]], after: str | None
) -> AsyncIterator[tuple[str, TargetRecord | None]]:
    """Without the one that is at the place itself."""
    async for place, item in items:
        if place != after:
            yield place, item


def place_of(target: TargetRecord) -> str:
    return f"{target.resource}\0{target.dimension}"
