"""The rules of Contributor Insights that DynamoDB makes: of the caller's tables and indexes."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from statordb.cloudwatch_api.context import Context
from statordb.metering.key_use import PAIR, Kind
from statordb.store.insights.insights import key_schema, rules_of
from statordb.store.records import TableRecord

_PAGE = 250


class Rule(NamedTuple):
    """`names`: of the attributes of its keys; `kind`: which keys it tells."""

    name: str
    table: TableRecord
    kind: Kind

    @property
    def names(self) -> list[str]:
        schema = key_schema(self.table, self.kind.whose)
        names = [each["AttributeName"] for each in schema]
        return names if self.kind.keys == PAIR else names[:1]


async def rules(context: Context) -> AsyncIterator[Rule]:
    """All rules, by table."""
    catalog, principal = context.store.catalog, context.principal
    after, more = None, True
    while more:
        names, more = await catalog.names(principal.account, principal.region, after, _PAGE)
        for name in names:
            table = await catalog.find(principal.account, principal.region, name)
            if table is None or table.closed is not None:  # whose keys may not be read any more
                continue
            for insight in table.record.insights:
                for rule, kind in rules_of(table.record, insight).items():
                    yield Rule(rule, table.record, kind)
        after = names[-1] if names else None


def arn(context: Context, name: str) -> str:
    principal = context.principal
    return f"arn:aws:cloudwatch:{principal.region}:{principal.account}:insight-rule/{name}"
