"""PutFunctionConcurrency: reserves a part of the account's concurrency for a function, and bounds it by that."""

from statordb.lambda_api import errors
from statordb.lambda_api.concurrency import reserve
from statordb.lambda_api.context import Answer, Context, Request
from statordb.model.function_limits import FUNCTION_CONCURRENCY_MAX, FUNCTION_CONCURRENCY_UNRESERVED_MIN


async def put_function_concurrency(context: Context, request: Request) -> Answer:
    wanted: int = request["ReservedConcurrentExecutions"]
    record = await context.function(request["FunctionName"])
    usage = await context.store.functions.usage(record.account, record.region)
    reserved = usage.reserved - (record.concurrency or 0) + wanted
    if FUNCTION_CONCURRENCY_MAX - reserved < FUNCTION_CONCURRENCY_UNRESERVED_MIN:
        raise errors.invalid_parameter(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{FUNCTION_CONCURRENCY_UNRESERVED_MIN}]."
        )
    await reserve(context, record, wanted)
    return {"ReservedConcurrentExecutions": wanted}
