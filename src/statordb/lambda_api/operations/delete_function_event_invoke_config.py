"""DeleteFunctionEventInvokeConfig."""

from statordb.lambda_api.context import Answer, Context, Request
from statordb.lambda_api.event_config import configured, removed


async def delete_function_event_invoke_config(context: Context, request: Request) -> Answer:
    await configured(context, request)
    await removed(context, request)
    return {}
