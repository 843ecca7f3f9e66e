"""GetFunction: the configuration, and what is beside it."""

from typing import Any

from statordb.lambda_api.context import Answer, Context, Request
from statordb.lambda_api.description import configuration


async def get_function(context: Context, request: Request) -> Answer:
    qualifier = request.get("Qualifier")
    name = context.name(request["FunctionName"], qualifier)
    record = await context.function(request["FunctionName"], qualifier)
    # Packages are not given out again, so there is no Location for them; a directory is named.
    code: dict[str, Any] = {"RepositoryType": "S3"}
    if record.code_directory is not None:
        code["Location"] = f"file://{record.code_directory}"
    return {
        "Configuration": configuration(record, qualified=name.qualifier is not None),
        "Code": code,
        "Tags": record.tags or None,
        "Concurrency": None if record.concurrency is None else {"ReservedConcurrentExecutions": record.concurrency},
    }
