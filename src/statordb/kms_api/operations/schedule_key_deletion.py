"""ScheduleKeyDeletion: the key can't be used from now on, and is gone after the wait."""

from dataclasses import replace

from statordb.kms_api.context import Answer, Context, Request
from statordb.kms_api.keys import change
from statordb.store.kms.records import ENABLED, PENDING_DELETION, KeyRecord
from statordb.store.kms.rotation import DAY_SECONDS

WINDOW_DAYS = 30  # where none is given


async def schedule_key_deletion(context: Context, request: Request) -> Answer:
    days = request.get("PendingWindowInDays") or WINDOW_DAYS
    known = {"kms:schedulekeydeletionpendingwindowindays": (str(days),)}
    record = await context.own_key("ScheduleKeyDeletion", request["KeyId"], known)
    now = context.now()

    def schedule(current: KeyRecord) -> KeyRecord:
        # A table that a disabled key has closed stays closed since then.
        since = now if current.state == ENABLED else current.changed_at
        return replace(
            current,
            state=PENDING_DELETION,
            changed_at=since,
            deletes_at=now + days * DAY_SECONDS,
            window_days=days,
        )

    changed = await change(context, record, schedule)
    assert changed.deletes_at is not None
    return {
        "KeyId": changed.arn,
        "DeletionDate": round(changed.deletes_at, 3),
        "KeyState": changed.state,
        "PendingWindowInDays": days,
    }
