"""UpdateItem."""

import orjson

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request
from statordb.api.keys import attributes_of
from statordb.api.returns import condition_failure, written_answer
from statordb.commands.changes import refuse_key_updates, updater
from statordb.commands.keys import locate_key
from statordb.engine.contract import Refused
from statordb.expressions.bound import Update
from statordb.expressions.legacy import reject_mixed
from statordb.store.table import Written


async def update_item(context: Context, request: Request) -> Answer:
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

    table = context.known_table(request["TableName"]) or await context.table(request["TableName"])
    key = table.primary.usual_key(item_key) or locate_key(table, item_key)
    refuse_key_updates(table, update)

    written = await table.write(key, updater(table, item_key, update, condition, context.budget))
    if isinstance(written, Refused):
        raise condition_failure(request, written)
    return await written_answer(table, request, written, _attributes(request.get("ReturnValues"), update, written))


def _attributes(returns: str | None, update: Update | None, written: Written) -> bytes | None:
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
