"""PutFunctionEventInvokeConfig: sets all of it anew."""

from statordb.lambda_api.context import Answer, Context, Request
from statordb.lambda_api.event_config import changed


async def put_function_event_invoke_config(context: Context, request: Request) -> Answer:
    return await changed(context, request, keep=False)
