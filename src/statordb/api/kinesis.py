"""What the operations on Kinesis streaming destinations share."""

from collections.abc import Callable

from statordb.api.context import Context
from statordb.commands.demands import TableDemand
from statordb.model import errors
from statordb.model.errors import ClientError
from statordb.store import readers
from statordb.store.catalog import Rows
from statordb.store.table import Table
from statordb.store.terms import Refused

Decide = Callable[[Rows], Rows | Refused | ClientError]
"""From the records of a table and its log to what they shall be, or why not: a ClientError, or Refused with one."""


async def table_of(context: Context, demand: TableDemand) -> Table:
    """The table; raises ResourceNotFoundException also while it is being created or deleted, as AWS does."""
    table = await context.described(demand)
    if not table.record.usable_at(context.now()):
        raise errors.table_not_found(table.name)
    return table


async def change(context: Context, table: Table, decide: Decide, joins: bool = False) -> None:
    """Change the table's record and its log's; raises what `decide` says, or that the table is gone. `joins`: the
    destination is to read the log, so there is one."""
    now = context.now()

    def checked(rows: Rows) -> Rows | Refused:
        if rows.table is None or rows.table.space != table.space or not rows.table.usable_at(now):
            return Refused(errors.table_not_found(table.name))
        decided = decide(rows)
        return Refused(decided) if isinstance(decided, ClientError) else decided

    record = table.record
    name = (record.account, record.region, record.name)
    outcome = await readers.change(context.store, name, record, checked, joins=joins)
    if isinstance(outcome, Refused):
        raise outcome.reason


def wrong_state(detail: str) -> ClientError:
    """AWS begins every refusal for a destination's state so, also those of other operations than enabling."""
    return errors.validation("Table is not in a valid state to enable Kinesis Streaming Destination: " + detail)
