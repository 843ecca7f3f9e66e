"""UpdateFunctionCode."""

import uuid
from dataclasses import replace

from statordb.lambda_api import errors, members, packages
from statordb.lambda_api.context import Answer, Context, Request
from statordb.lambda_api.description import configuration
from statordb.store.functions.catalog import FunctionRecord
from statordb.store.terms import Refused


async def update_function_code(context: Context, request: Request) -> Answer:
    record = await context.function(request["FunctionName"])
    members.refuse_unsupported(request)
    if not members.check_revision(record, request):
        raise errors.precondition_failed()
    fields = await packages.take(context, request)
    revision, now = str(uuid.uuid4()), context.now()
    architectures = {"Architectures": request["Architectures"]} if "Architectures" in request else {}

    def change(current: FunctionRecord | None) -> FunctionRecord | Refused:
        if current is None:
            return Refused(errors.function_not_found(record.arn))
        if not members.check_revision(current, request):
            return Refused(errors.precondition_failed())
        options = {**current.options, **architectures}
        return replace(current, revision=revision, modified_at=now, options=options, **fields)

    if request.get("DryRun"):
        changed: FunctionRecord | Refused | None = change(record)
    else:
        changed = await context.store.functions.change(record.account, record.region, record.name, change)
    if isinstance(changed, Refused):
        raise changed.reason
    assert changed is not None
    return configuration(changed)
