"""EnableKeyRotation."""

from statordb.kms_api.context import Answer, Context, Request, unrotatable, unusable
from statordb.kms_api.keys import change_any
from statordb.store.kms.records import KeyRecord
from statordb.store.kms.rotation import PERIOD_DAYS, scheduled


async def enable_key_rotation(context: Context, request: Request) -> Answer:
    days = request.get("RotationPeriodInDays")
    known = {"kms:rotationperiodindays": (str(days or PERIOD_DAYS),)}
    record = await context.own_key("EnableKeyRotation", request["KeyId"], known)
    now = context.now()

    def enable(current: KeyRecord) -> KeyRecord:
        fault = unusable(current) or unrotatable(current)
        if fault is not None:
            raise fault
        if current.period_days is not None and days in (None, current.period_days):
            return current
        return scheduled(current, days or PERIOD_DAYS, now)

    await change_any(context, record, enable)
    return None
