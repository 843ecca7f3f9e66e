"""UpdateItem."""

import orjson

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request
from statordb.api.keys import attributes_of
from statordb.api.returns import condition_failure, written_answer
from statordb.commands.perform import perform
from statordb.commands.writing import Unmet, Update
from statordb.expressions.bound import UpdateExpression
from statordb.expressions.legacy import reject_mixed
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.store.table import Written


async def update_item(context: Context, request: Request) -> Answer:
    try:
        reject_mixed(
            request,
            ("UpdateExpression", "ConditionExpression"),
            ("AttributeUpdates", "Expected", "ConditionalOperator"),
        )
        item_key = attributes_of(request, "Key")
        bound = conditions.placeholders(request, context.budget)
        update = conditions.update(request, bound)
        condition = conditions.condition(request, bound)
        bound.finish()
    except ClientError as fault:
        raise errors.of_detection(fault) from None

    done = await perform(context, Update(request["TableName"], item_key, update, condition))
    if isinstance(done, Unmet):
        raise condition_failure(request, done)
    attributes = _attributes(request.get("ReturnValues"), update, done.written)
    return await written_answer(request, done, item_key, attributes)


def _attributes(returns: str | None, update: UpdateExpression | None, written: Written) -> bytes | None:
    """JSON of the attributes that ReturnValues asks for; None for no member at all."""
    if returns is None or returns == "NONE":
        return None
    image = written.old if returns.endswith("OLD") else written.new
    if image is None:
        return None
    if returns.startswith("ALL"):
        return image.text
    touched = update.touched(image.item) if update is not None else {}
    return orjson.dumps(touched) if touched else None
