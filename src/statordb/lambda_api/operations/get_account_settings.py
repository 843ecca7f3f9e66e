"""GetAccountSettings: limits, and what is used of them."""

from statordb.lambda_api.context import Answer, Context, Request
from statordb.model.function_limits import (
    FUNCTION_ACCOUNT_BYTES_MAX,
    FUNCTION_CODE_BYTES_MAX,
    FUNCTION_CONCURRENCY_MAX,
    FUNCTION_PACKAGE_BYTES_MAX,
)


async def get_account_settings(context: Context, request: Request) -> Answer:
    principal = context.principal
    usage = await context.store.functions.usage(principal.account, principal.region)
    return {
        "AccountLimit": {
            "TotalCodeSize": FUNCTION_ACCOUNT_BYTES_MAX,
            "CodeSizeUnzipped": FUNCTION_CODE_BYTES_MAX,
            "CodeSizeZipped": FUNCTION_PACKAGE_BYTES_MAX,
            "ConcurrentExecutions": FUNCTION_CONCURRENCY_MAX,
            "UnreservedConcurrentExecutions": FUNCTION_CONCURRENCY_MAX - usage.reserved,
        },
        "AccountUsage": {"TotalCodeSize": usage.code_bytes, "FunctionCount": usage.functions},
    }
