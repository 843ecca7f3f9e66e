"""UpdateFunctionConfiguration."""

import uuid
from dataclasses import replace

from statordb.lambda_api import errors, members
from statordb.lambda_api.context import Answer, Context, Request
from statordb.lambda_api.description import configuration
from statordb.store.functions.catalog import FunctionRecord
from statordb.store.terms import Refused


async def update_function_configuration(context: Context, request: Request) -> Answer:
    record = await context.function(request["FunctionName"])
    members.changes(context, request, {})  # its errors are told before anything is changed
    revision, now = str(uuid.uuid4()), context.now()

    def change(current: FunctionRecord | None) -> FunctionRecord | Refused:
        if current is None:
            return Refused(errors.function_not_found(record.arn))
        if not members.check_revision(current, request):
            return Refused(errors.precondition_failed())
        return replace(
            current, revision=revision, modified_at=now, **members.changes(context, request, current.options)
        )

    changed = await context.store.functions.change(record.account, record.region, record.name, change)
    if isinstance(changed, Refused):
        raise changed.reason
    assert changed is not None
    return configuration(changed)
