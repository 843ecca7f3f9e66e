"""EnableKey."""

from dataclasses import replace

from statordb.kms_api.context import Answer, Context, Request, waiting
from statordb.kms_api.keys import change_any
from statordb.store.kms.records import ENABLED, KeyRecord


async def enable_key(context: Context, request: Request) -> Answer:
    record = await context.own_key("EnableKey", request["KeyId"])
    now = context.now()

    def set_state(current: KeyRecord) -> KeyRecord:
        fault = waiting(current)
        if fault is not None:
            raise fault
        return current if current.state == ENABLED else replace(current, state=ENABLED, changed_at=now)

    await change_any(context, record, set_state)
    return None
