"""DisableKeyRotation."""

from statordb.kms_api.context import Answer, Context, Request, unusable
from statordb.kms_api.keys import change_any
from statordb.store.kms.records import KeyRecord
from statordb.store.kms.rotation import scheduled


async def disable_key_rotation(context: Context, request: Request) -> Answer:
    record = await context.own_key("DisableKeyRotation", request["KeyId"])
    now = context.now()

    def disable(current: KeyRecord) -> KeyRecord:
        fault = unusable(current)
        if fault is not None:
            raise fault
        return scheduled(current, None, now)

    await change_any(context, record, disable)
    return None
