"""DeleteItem."""

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request
from statordb.api.keys import attributes_of
from statordb.api.returns import condition_failure, written_answer
from statordb.commands.perform import perform
from statordb.commands.writing import Delete, Unmet
from statordb.expressions.legacy import reject_mixed
from statordb.model import errors
from statordb.model.errors import ClientError


async def delete_item(context: Context, request: Request) -> Answer:
    try:
        reject_mixed(request, ("ConditionExpression",), ("Expected", "ConditionalOperator"))
        item_key = attributes_of(request, "Key")
        returns = request.get("ReturnValues")
        if returns is not None and returns not in ("ALL_OLD", "NONE"):
            raise errors.validation("ReturnValues can only be ALL_OLD or NONE")
        bound = conditions.placeholders(request, context.budget)
        condition = conditions.condition(request, bound)
        bound.finish()
    except ClientError as fault:
        raise errors.of_detection(fault) from None

    done = await perform(context, Delete(request["TableName"], item_key, condition, returns == "ALL_OLD"))
    if isinstance(done, Unmet):
        raise condition_failure(request, done)
    old = done.written.old if returns == "ALL_OLD" else None
    return await written_answer(request, done, item_key, old.text if old is not None else None)
