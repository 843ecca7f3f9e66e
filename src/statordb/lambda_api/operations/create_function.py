"""CreateFunction."""

import uuid

from statordb.lambda_api import errors, members, packages
from statordb.lambda_api.context import Answer, Context, Request
from statordb.lambda_api.description import configuration
from statordb.lambda_api.tags import check_tags
from statordb.store.functions.catalog import FunctionRecord
from statordb.store.terms import Refused


async def create_function(context: Context, request: Request) -> Answer:
    name = context.name(request["FunctionName"])
    name.must_be_latest()
    if request.get("PackageType", "Zip") != "Zip":
        raise errors.invalid_parameter("PackageType Image is not supported by this server: give a zip file.")
    if "Runtime" not in request or "Handler" not in request:
        raise errors.invalid_parameter(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages."
        )
    tags = request.get("Tags", {})
    check_tags(tags)
    fields = members.changes(context, request, {})
    functions = context.store.functions
    exists = errors.conflict(f"Function already exist: {name.name}")
    if await functions.find(name.account, name.region, name.name) is not None:
        raise exists  # before a large package is written for nothing
    fields |= await packages.take(context, request["Code"])
    record = FunctionRecord(
        name.account, name.region, name.name, revision=str(uuid.uuid4()), modified_at=context.now(), tags=tags, **fields
    )

    def change(current: FunctionRecord | None) -> FunctionRecord | Refused:
        return record if current is None else Refused(None)

    if isinstance(await functions.change(name.account, name.region, name.name, change), Refused):
        raise exists
    return configuration(record)
