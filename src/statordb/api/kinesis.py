"""What the operations on Kinesis streaming destinations share."""

from collections.abc import Callable

from statordb.api.context import Context
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.store.records import TableRecord
from statordb.store.spaces import Draft
from statordb.store.table import Table
from statordb.store.terms import Refused

Decide = Callable[[TableRecord], TableRecord | ClientError]
"""From a table's record to what it shall be, or why not."""


async def table_of(context: Context, demand: TableDemand) -> Table:
    """The table; raises ResourceNotFoundException also while it is being created or deleted, as AWS does."""
    table = await context.described(demand)
    if not table.record.usable_at(context.now()):
        raise errors.table_not_found(table.name)
    return table


async def change(context: Context, table: Table, decide: Decide, draft: Draft | None = None) -> None:
    """Change the table's record; raises what `decide` says, or that the table is gone. `draft`: new spaces that the
    record names then."""
    now = context.now()

    def plan(record: TableRecord | None) -> TableRecord | Refused:
        if record is None or record.space != table.space or not record.usable_at(now):
            return Refused(errors.table_not_found(table.name))
        decided = decide(record)
        return Refused(decided) if isinstance(decided, ClientError) else decided

    record = table.record
    outcome = await context.store.catalog.change(record.account, record.region, record.name, plan, draft)
    if isinstance(outcome, Refused):
        raise outcome.reason


def wrong_state(detail: str) -> ClientError:
    """AWS begins every refusal for a destination's state so, also those of other operations than enabling."""
    return errors.validation("Table is not in a valid state to enable Kinesis Streaming Destination: " + detail)
