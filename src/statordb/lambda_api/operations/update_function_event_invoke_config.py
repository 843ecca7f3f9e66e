"""UpdateFunctionEventInvokeConfig: sets what is given, and keeps the rest."""

from statordb.lambda_api.context import Answer, Context, Request
from statordb.lambda_api.event_config import changed, configured


async def update_function_event_invoke_config(context: Context, request: Request) -> Answer:
    await configured(context, request)
    return await changed(context, request, keep=True)
