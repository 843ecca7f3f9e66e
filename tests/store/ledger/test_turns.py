"""Whoever looks at many tables lets others have their turn between any two of them."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.in_process import PRINCIPAL, Api

from statordb.metering.metrics import source_of
from statordb.metering.month import Month
from statordb.metering.series import TABLE, Subject
from statordb.server.billing import making, sheet
from statordb.server.billing.query import Query
from statordb.store.ledger.days import Days
from statordb.store.metrics import Reading, Span

TABLES = 30


async def bill(api: Api) -> None:
    now = api.clock.now()
    await making.make(Days(api.store.ledger), Query(Month.of(now)), sheet.load(None), now)


def metric(name: str, **dimensions: str) -> Callable[[Api], Awaitable[object]]:
    source = source_of("AWS/DynamoDB", name, dimensions)
    assert source is not None

    async def read(api: Api) -> None:
        now = int(api.clock.now())
        await api.store.metrics.read(PRINCIPAL.account, PRINCIPAL.region, source, Span(now - 60, now, 60), Reading())

    return read


@pytest.mark.parametrize(
    "look",
    [
        bill,
        metric("ConsumedReadCapacityUnits", TableName="things"),
        metric("AccountProvisionedReadCapacityUtilization"),
    ],
)
def test_others_have_turns_in_between(api: Api, look: Callable[[Api], Awaitable[object]]) -> None:
    async def turns() -> int:
        for number in range(TABLES):
            subject = Subject(PRINCIPAL.account, PRINCIPAL.region, TABLE, "things", f"id{number}")
            await api.store.ledger.note(subject, api.clock.now())
        count = 0
        looking = asyncio.ensure_future(look(api))
        while not looking.done():
            await asyncio.sleep(0)
            count += 1
        await looking
        return count

    assert api.run(turns()) > TABLES
