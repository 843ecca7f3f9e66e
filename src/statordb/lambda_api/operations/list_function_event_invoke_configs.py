"""ListFunctionEventInvokeConfigs: that of $LATEST, if it has one."""

from statordb.lambda_api.context import Answer, Context, Request
from statordb.lambda_api.event_config import shown


async def list_function_event_invoke_configs(context: Context, request: Request) -> Answer:
    config = shown(await context.function(request["FunctionName"]))
    return {"FunctionEventInvokeConfigs": [] if config is None else [config]}
