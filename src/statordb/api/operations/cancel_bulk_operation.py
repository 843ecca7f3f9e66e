"""CancelBulkOperation: what was put stays. One that is over stays as it is."""

from dataclasses import replace

from statordb.api import bulk
from statordb.api.context import Answer, Context, Request
from statordb.store.jobs.records import CANCELLING, IN_PROGRESS, BulkRecord


async def cancel_bulk_operation(context: Context, request: Request) -> Answer:
    record = await bulk.find(context, "dynamodb:CancelBulkOperation", request["BulkOperationArn"])

    def cancelled(now: BulkRecord) -> BulkRecord:
        return replace(now, status=CANCELLING) if now.status == IN_PROGRESS else now

    changed = await context.store.bulk_operations.change(record, cancelled)
    return {"BulkOperationArn": record.arn, "BulkOperationStatus": (changed or record).status}
