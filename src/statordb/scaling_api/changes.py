"""How operations alter targets."""

from collections.abc import Callable

from statordb.model.errors import ClientError
from statordb.scaling_api import errors
from statordb.scaling_api.context import Context
from statordb.store.scaling.records import TargetName, TargetRecord
from statordb.store.terms import Refused


async def change(
    context: Context, name: TargetName, make: Callable[[TargetRecord | None], TargetRecord | None], id: str = ""
) -> TargetRecord | None:
    """Alter a target as it is now; see `Targets.change`. `make` may raise ClientError."""

    def changed(current: TargetRecord | None) -> TargetRecord | Refused | None:
        try:
            return make(current)
        except ClientError as fault:
            return Refused(fault)

    outcome = await context.store.scaling.targets.change(name, changed, id)
    if isinstance(outcome, Refused):
        raise outcome.reason
    return outcome


async def alter(context: Context, name: TargetName, make: Callable[[TargetRecord], TargetRecord]) -> TargetRecord:
    """The same of one that must be there. Raises also ObjectNotFoundException."""

    def made(current: TargetRecord | None) -> TargetRecord:
        if current is None:
            raise errors.not_registered(name.resource, name.dimension)
        return make(current)

    changed = await change(context, name, made)
    assert changed is not None
    return changed
