"""GetFunctionConfiguration."""

from statordb.lambda_api.context import Answer, Context, Request
from statordb.lambda_api.description import configuration


async def get_function_configuration(context: Context, request: Request) -> Answer:
    qualifier = request.get("Qualifier")
    name = context.name(request["FunctionName"], qualifier)
    record = await context.function(request["FunctionName"], qualifier)
    return configuration(record, qualified=name.qualifier is not None)
