"""PutItem."""

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request
from statordb.api.returns import condition_failure, written_answer
from statordb.commands.perform import perform
from statordb.commands.writing import Put, Unmet
from statordb.expressions.legacy import reject_mixed
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.model.limits import ITEM_BYTES_MAX
from statordb.model.values import check_item


async def put_item(context: Context, request: Request) -> Answer:
    plain = len(request) == 2  # nothing but the table's name and the item
    item = request["Item"]
    condition = None
    try:
        if not plain:
            reject_mixed(request, ("ConditionExpression",), ("Expected", "ConditionalOperator"))
        size = check_item(item)
        returns = request.get("ReturnValues")
        if returns is not None and returns not in ("ALL_OLD", "NONE"):
            raise errors.validation("ReturnValues can only be ALL_OLD or NONE")
        if size > ITEM_BYTES_MAX:
            raise errors.item_too_large()
        if not plain:
            bound = conditions.placeholders(request, context.budget)
            condition = conditions.condition(request, bound)
            bound.finish()
    except ClientError as fault:
        raise errors.of_detection(fault) from None

    done = await perform(context, Put(request["TableName"], item, size, condition, returns == "ALL_OLD"))
    if isinstance(done, Unmet):
        raise condition_failure(request, done)
    if plain:
        return b"{}"
    old = done.written.old if returns == "ALL_OLD" else None
    return await written_answer(request, done, item, old.text if old is not None else None)
