"""DeleteItem."""

from statordb.api import conditions
from statordb.api.context import Answer, Context, Request
from statordb.api.keys import attributes_of
from statordb.api.returns import condition_failure, written_answer
from statordb.commands.changes import meets
from statordb.commands.keys import locate_key
from statordb.engine.contract import Refused
from statordb.expressions.legacy import reject_mixed
from statordb.model import errors
from statordb.store.image import Image


async def delete_item(context: Context, request: Request) -> Answer:
    reject_mixed(request, ("ConditionExpression",), ("Expected", "ConditionalOperator"))
    item_key = attributes_of(request, "Key")
    returns = request.get("ReturnValues")
    if returns is not None and returns not in ("ALL_OLD", "NONE"):
        raise errors.validation("ReturnValues can only be ALL_OLD or NONE")
    bound = conditions.placeholders(request, context.budget)
    condition = conditions.condition(request, bound)
    bound.finish()

    table = context.known_table(request["TableName"]) or await context.table(request["TableName"])
    key = table.primary.usual_key(item_key) or locate_key(table, item_key)

    def apply(old: Image | None) -> Refused | None:
        if not meets(table, condition, old, context.budget):
            return Refused(old)
        return None

    written = await table.write(key, apply)
    if isinstance(written, Refused):
        raise condition_failure(request, written)
    old = written.old if returns == "ALL_OLD" else None
    return await written_answer(table, request, written, old.text if old is not None else None)
