"""RotateKeyOnDemand."""

from statordb.kms_api import errors
from statordb.kms_api.context import Answer, Context, Request, unrotatable, unusable
from statordb.model.errors import ClientError
from statordb.model.kms_limits import ON_DEMAND_ROTATIONS_MAX
from statordb.store.kms.records import ON_DEMAND, KeyRecord
from statordb.store.kms.rotation import on_demand


async def rotate_key_on_demand(context: Context, request: Request) -> Answer:
    record = await context.own_key("RotateKeyOnDemand", request["KeyId"])
    fault = _fault(record)
    if fault is not None:
        raise fault
    keys = context.store.kms.keys
    if not await keys.rotate(record.name, ON_DEMAND, lambda current: _fault(current) is None):
        current = await keys.find(record.name)  # it has changed meanwhile
        raise errors.key_not_found(record.arn) if current is None else _fault(current) or errors.busy()
    return {"KeyId": record.arn}


def _fault(record: KeyRecord) -> ClientError | None:
    """Why a key can't be rotated now."""
    fault = unusable(record) or unrotatable(record)
    if fault is None and on_demand(record) >= ON_DEMAND_ROTATIONS_MAX:
        return errors.limit_exceeded(
            f"{record.arn} was rotated on demand {ON_DEMAND_ROTATIONS_MAX} times, which is the most it may be"
        )
    return fault
