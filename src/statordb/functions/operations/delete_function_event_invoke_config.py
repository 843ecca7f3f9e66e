"""DeleteFunctionEventInvokeConfig."""

from statordb.functions.context import Answer, Context, Request
from statordb.functions.event_config import configured, removed


async def delete_function_event_invoke_config(context: Context, request: Request) -> Answer:
    await configured(context, request)
    await removed(context, request)
    return {}
