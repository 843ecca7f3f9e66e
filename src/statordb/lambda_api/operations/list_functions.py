"""ListFunctions: by name, in pages."""

from statordb.lambda_api import markers
from statordb.lambda_api.context import Answer, Context, Request
from statordb.lambda_api.description import listed
from statordb.model.function_limits import FUNCTIONS_PER_PAGE_MAX


async def list_functions(context: Context, request: Request) -> Answer:
    after = markers.read(request.get("Marker"))
    limit = min(request.get("MaxItems", FUNCTIONS_PER_PAGE_MAX), FUNCTIONS_PER_PAGE_MAX)
    principal = context.principal
    records, more = await context.store.functions.page(principal.account, principal.region, after, limit)
    qualified = request.get("FunctionVersion") == "ALL"
    return {
        "Functions": [listed(record, qualified=qualified) for record in records],
        "NextMarker": markers.write(records[-1].name) if more else None,
    }
