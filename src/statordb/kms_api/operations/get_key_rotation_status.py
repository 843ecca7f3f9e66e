"""GetKeyRotationStatus."""

from statordb.kms_api.context import Answer, Context, Request
from statordb.store.kms.records import PENDING_DELETION


async def get_key_rotation_status(context: Context, request: Request) -> Answer:
    record = await context.own_key("GetKeyRotationStatus", request["KeyId"])
    rotates = record.period_days is not None and record.state != PENDING_DELETION
    return {
        "KeyId": record.arn,
        "KeyRotationEnabled": rotates,
        "RotationPeriodInDays": record.period_days if rotates else None,
        "NextRotationDate": round(record.rotates_at, 3) if rotates and record.rotates_at is not None else None,
    }
