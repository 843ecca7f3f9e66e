"""Managed policies as the boundary of an identity, and how often each is used."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from statordb.iam_api import errors
from statordb.iam_api.context import Context
from statordb.store.identities.identities import Row, use
from statordb.store.identities.records import Identity, UseRecord


async def must_be_there(context: Context, arn: str) -> None:
    """Raises NoSuchEntity for a boundary that is no managed policy; "" is none."""
    if arn and await context.store.identities.policy(context.account, arn) is None:
        raise errors.no_such_entity(f"Scope ARN: {arn} does not exist or is not attachable.")


def uses(arn: str) -> tuple[Row, ...]:
    """The row that counts a boundary; "" is none."""
    return (use(arn),) if arn else ()


def counted(found: Sequence[UseRecord | None], by: int) -> list[UseRecord]:
    """Those rows when one more identity, or one less, has the boundary."""
    return [replace(used or UseRecord(), boundaries=max(0, (used or UseRecord()).boundaries + by)) for used in found]


def must_have_no_policies(record: Identity) -> None:
    """Of an identity that is to be deleted. Raises DeleteConflict."""
    if record.attached:
        raise errors.delete_conflict("Cannot delete entity, must detach all policies first.")
    if record.inline:
        raise errors.delete_conflict("Cannot delete entity, must delete policies first.")


def with_boundary(record: Any, arn: str) -> Any:
    return replace(record, boundary=arn)
