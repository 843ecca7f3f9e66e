"""GetFunctionCodeSigningConfig: a function has none."""

from statordb.lambda_api.context import Answer, Context, Request


async def get_function_code_signing_config(context: Context, request: Request) -> Answer:
    record = await context.function(request["FunctionName"])
    return {"CodeSigningConfigArn": "", "FunctionName": record.name}
