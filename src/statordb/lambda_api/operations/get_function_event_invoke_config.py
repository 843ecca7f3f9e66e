"""GetFunctionEventInvokeConfig."""

from statordb.lambda_api.context import Answer, Context, Request
from statordb.lambda_api.event_config import configured


async def get_function_event_invoke_config(context: Context, request: Request) -> Answer:
    return await configured(context, request)
