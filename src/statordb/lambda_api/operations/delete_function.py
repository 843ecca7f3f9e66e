"""DeleteFunction. Its package is swept away later; invocations that wait find no function and end."""

from statordb.lambda_api import errors
from statordb.lambda_api.context import Answer, Context, Request, RestAnswer
from statordb.store.functions.catalog import LATEST, FunctionRecord
from statordb.store.terms import Refused


async def delete_function(context: Context, request: Request) -> Answer:
    name = context.name(request["FunctionName"], request.get("Qualifier"))
    name.must_be_latest()
    if name.qualifier == LATEST:
        raise errors.invalid_parameter("$LATEST version cannot be deleted without deleting the function.")

    def change(current: FunctionRecord | None) -> Refused | None:
        return Refused(None) if current is None else None

    if isinstance(await context.store.functions.change(name.account, name.region, name.name, change), Refused):
        raise errors.function_not_found(name.arn)
    return RestAnswer(204)
