"""UpdateKeyDescription."""

from dataclasses import replace

from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.keys import change
from statordb.store.kms.records import KeyRecord


async def update_key_description(context: Context, request: Request) -> Answer:
    record = await context.own_key("UpdateKeyDescription", request["KeyId"])

    def describe(current: KeyRecord) -> KeyRecord:
        return replace(current, description=request["Description"])

    await change(context, record, describe)
    return None
