"""Contributor Insights of tables and global indexes: enabled, disabled, and told. API reference of DynamoDB,
"UpdateContributorInsights"; what is not said there was measured (see docs/compatibility.md).
"""

from collections.abc import AsyncIterator
from dataclasses import replace

from statordb.commands.context import Context
from statordb.model import errors
from statordb.store.insights.insights import key_schema, rules_of
from statordb.store.records import InsightRecord, TableRecord
from statordb.store.table import Table
from statordb.store.terms import Refused

DEFAULT_MODE = "ACCESSED_AND_THROTTLED_KEYS"
RULES_MAX = 100  # of an account in a region
_PAGE = 250


def told_index(table: Table, name: str | None) -> str:
    """The global index that is meant, "" for the table itself. Raises ResourceNotFoundException."""
    if name is None:
        return ""
    index = table.record.index(name)
    if index is None or index.local:
        raise errors.resource_not_found(
            f"Requested resource not found: Index: {name} not found for table: {table.name}"
        )
    return name


async def update(context: Context, table: Table, index: str, enables: bool, mode: str | None) -> InsightRecord | None:
    """Enable or disable; what there is then, None where there was nothing to be disabled. Raises ValidationException,
    ResourceNotFoundException."""
    record, now = table.record, context.now()
    wanted = mode or DEFAULT_MODE
    rules = await _rules(context, record, index) if enables else 0
    more = (2 if len(key_schema(record, index)) > 1 else 1) * (2 if wanted == DEFAULT_MODE else 1)
    failure = "" if rules + more <= RULES_MAX else "LimitExceededException"
    settles = now + context.store.table_delay_seconds
    stamp = str(int(now * 1000))

    def change(current: TableRecord | None) -> TableRecord | Refused:
        if current is None or current.id != record.id or not current.usable_at(now):
            return Refused(_unusable(current, table.name, now))
        found = current.index(index) if index else None
        if index and (found is None or found.status == "CREATING"):
            return Refused(
                errors.resource_not_found(
                    f"Requested resource not found: Index: {index} not found for table: {table.name}"
                )
                if found is None
                else errors.validation("IndexStatus must be ACTIVE")
            )
        before = current.insight(index)
        if before is None and not enables:
            return Refused(None)
        if before is not None and not before.failure and before.enabled == enables:
            if not enables or before.mode == wanted:
                return Refused(None)  # nothing is to be done
        made = InsightRecord(index, enables, wanted, stamp, now, settles, failure if enables else "")
        if before is not None and before.enabled and enables and not before.failure:
            made = replace(made, stamp=before.stamp)
        if before is not None and not enables:
            made = replace(made, mode=before.mode)
        return replace(current, insights=[*(each for each in current.insights if each.index != index), made])

    outcome = await context.store.catalog.change(record.account, record.region, record.name, change)
    if isinstance(outcome, Refused):
        if outcome.reason is not None:
            raise outcome.reason
        current = await context.current(record.account, record.region, record.name)
        return current.record.insight(index)
    return None if outcome is None else outcome.insight(index)


def _unusable(record: TableRecord | None, name: str, now: float) -> errors.ClientError:
    if record is not None and record.status_at(now) == "CREATING":
        return errors.validation("TableStatus must be ACTIVE")
    return errors.table_not_found(name)


async def _rules(context: Context, record: TableRecord, index: str) -> int:
    """How many rules the account has in the region, but for those of a table or an index."""
    count = 0
    async for other in tables(context, record.account, record.region):
        for insight in other.insights:
            if (other.id, insight.index) != (record.id, index):
                count += len(rules_of(other, insight))
    return count


async def tables(context: Context, account: str, region: str) -> AsyncIterator[TableRecord]:
    """The tables of an account in a region that have insights."""
    after, more = None, True
    while more:
        names, more = await context.store.catalog.names(account, region, after, _PAGE)
        for name in names:
            table = await context.store.catalog.find(account, region, name)
            if table is not None and table.record.insights:
                yield table.record
        after = names[-1] if names else None
