"""GetRuntimeManagementConfig: a function runs with what the machine has, whenever that is renewed."""

from statordb.lambda_api.context import Answer, Context, Request
from statordb.store.functions.catalog import LATEST


async def get_runtime_management_config(context: Context, request: Request) -> Answer:
    record = await context.function(request["FunctionName"], request.get("Qualifier"))
    return {"UpdateRuntimeOn": "Auto", "FunctionArn": f"{record.arn}:{LATEST}"}
