"""Reserved concurrency of a function."""

from dataclasses import replace

from statordb.lambda_api import errors
from statordb.lambda_api.context import Context
from statordb.store.functions.catalog import FunctionRecord
from statordb.store.terms import Refused


async def reserve(context: Context, record: FunctionRecord, concurrency: int | None) -> None:
    """Set it, None for none. Raises ResourceNotFoundException if the function is gone."""

    def change(current: FunctionRecord | None) -> FunctionRecord | Refused:
        return Refused(None) if current is None else replace(current, concurrency=concurrency)

    changed = await context.store.functions.change(record.account, record.region, record.name, change)
    if isinstance(changed, Refused):
        raise errors.function_not_found(record.arn)
