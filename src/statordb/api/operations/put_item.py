"""PutItem."""

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request
from statordb.api.returns import condition_failure, written_answer
from statordb.commands.changes import meets
from statordb.commands.keys import locate_item
from statordb.engine.contract import Refused
from statordb.expressions.legacy import reject_mixed
from statordb.model import errors
from statordb.model.limits import ITEM_BYTES_MAX
from statordb.model.values import check_item
from statordb.store.image import Image


async def put_item(context: Context, request: Request) -> Answer:
    plain = len(request) == 2  # nothing but the table's name and the item
    if not plain:
        reject_mixed(request, ("ConditionExpression",), ("Expected", "ConditionalOperator"))
    item = request["Item"]
    size = check_item(item)
    returns = request.get("ReturnValues")
    if returns is not None and returns not in ("ALL_OLD", "NONE"):
        raise errors.validation("ReturnValues can only be ALL_OLD or NONE")
    if size > ITEM_BYTES_MAX:
        raise errors.item_too_large()
    condition = None
    if not plain:
        bound = conditions.placeholders(request, context.budget)
        condition = conditions.condition(request, bound)
        bound.finish()

    table = context.known_table(request["TableName"]) or await context.table(request["TableName"])
    key = (None if table.indexes else table.primary.usual_key_of(item)) or locate_item(table, item)
    new = Image.of(item, size)

    def apply(old: Image | None) -> Image | Refused:
        if not meets(table, condition, old, context.budget):
            return Refused(old)
        return new

    written = await table.write(key, apply)
    if isinstance(written, Refused):
        raise condition_failure(request, written)
    if plain:
        return b"{}"
    old = written.old if returns == "ALL_OLD" else None
    return await written_answer(table, request, written, old.text if old is not None else None)
