"""ListProvisionedConcurrencyConfigs: there are none, as there are neither versions nor aliases."""

from statordb.lambda_api.context import Answer, Context, Request


async def list_provisioned_concurrency_configs(context: Context, request: Request) -> Answer:
    await context.function(request["FunctionName"])
    return {"ProvisionedConcurrencyConfigs": []}
