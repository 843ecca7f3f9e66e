"""DisableKey."""

from dataclasses import replace

from statordb.kms_api.context import Answer, Context, Request, waiting
from statordb.kms_api.keys import change_any
from statordb.store.kms.records import DISABLED, KeyRecord


async def disable_key(context: Context, request: Request) -> Answer:
    record = await context.own_key("DisableKey", request["KeyId"])
    now = context.now()

    def set_state(current: KeyRecord) -> KeyRecord:
        fault = waiting(current)
        if fault is not None:
            raise fault
        return current if current.state == DISABLED else replace(current, state=DISABLED, changed_at=now)

    await change_any(context, record, set_state)
    return None
