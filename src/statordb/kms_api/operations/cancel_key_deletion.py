"""CancelKeyDeletion: the key is disabled then."""

from dataclasses import replace

from statordb.kms_api import errors
from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.keys import change_any
from statordb.store.kms.records import DISABLED, PENDING_DELETION, PENDING_IMPORT, KeyRecord


async def cancel_key_deletion(context: Context, request: Request) -> Answer:
    record = await context.own_key("CancelKeyDeletion", request["KeyId"])
    now = context.now()

    def cancel(current: KeyRecord) -> KeyRecord:
        if current.gone_at(now):
            raise errors.key_not_found(current.arn)
        if current.state != PENDING_DELETION:
            raise errors.not_pending_deletion(current.arn)
        state = DISABLED if current.has_material else PENDING_IMPORT
        return replace(current, state=state, deletes_at=None, window_days=None)

    return {"KeyId": (await change_any(context, record, cancel)).arn}
