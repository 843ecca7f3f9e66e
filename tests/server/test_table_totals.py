"""What tables use, as Prometheus is told it: numbers that only grow, with a bound on their labels."""

from typing import Any

import pytest
from tests.in_process import PRINCIPAL, Api

from statordb.metering.series import Series, Subject
from statordb.server import table_totals
from statordb.server.exposition import render
from statordb.server.lane.counters import LaneTotals
from statordb.server.metrics import SharedCounters
from statordb.server.roster import Roster
from statordb.server.table_totals import Labels, TableTotals, Totals

TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
}


def labels(table: str, way: str) -> Labels:
    return Labels(PRINCIPAL.account, PRINCIPAL.region, table, "", way)


def look(api: Api, totals: TableTotals) -> Totals:
    async def read() -> Totals:
        await api.store.flushing.flush()
        return await totals.look()

    return api.run(read())  # type: ignore[no-any-return]


def test_units_add_up_over_the_minutes(api: Api) -> None:
    api("CreateTable", TableName="abc", **TABLE)
    totals = TableTotals(api.store.ledger, api.store.clock)
    seen = []
    for _ in range(6):
        api("PutItem", TableName="abc", Item={"p": {"S": "a"}})
        api.clock.advance(50)
        seen.append(look(api, totals).consumed[labels("abc", "write")])
    assert seen == [1, 2, 3, 4, 5, 6]
    record = api("DescribeTable", TableName="abc")["Table"]
    subject = Subject(PRINCIPAL.account, PRINCIPAL.region, "table", "abc", record["TableId"])
    api.store.taps.of(subject).add(Series("ReadThrottleEvents"), 1.0, 3)
    api.clock.advance(50)
    assert look(api, totals).throttled == {labels("abc", "read"): 3}


def test_more_tables_than_are_named_are_one(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_totals, "TABLES_MAX", 2)
    totals = TableTotals(api.store.ledger, api.store.clock)
    for name in ("aaa", "bbb", "ccc", "ddd"):
        api("CreateTable", TableName=name, **TABLE)
        api("PutItem", TableName=name, Item={"p": {"S": "a"}})
    api.clock.advance(11)
    found = look(api, totals).consumed
    other = Labels("other", "other", "other", "other", "write")
    assert found == {labels("aaa", "write"): 1, labels("bbb", "write"): 1, other: 2}


def test_a_store_that_fails_leaves_what_was_found(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    totals = TableTotals(api.store.ledger, api.store.clock)

    async def fail(now: float) -> Any:
        raise OSError

    monkeypatch.setattr(totals, "_read", fail)
    assert look(api, totals) == Totals({}, {})


def test_they_are_rendered() -> None:
    totals = Totals({labels("abc", "read"): 1.5}, {labels("abc", "write"): 2.0})
    shown = render(SharedCounters(["GetItem"], 1), Roster(1), LaneTotals(0, 0, 0), {}, totals).decode()
    where = 'account="000000000000",index="",region="us-east-1",table="abc"'
    assert f'statordb_table_consumed_units_total{{{where},way="read"}} 1.5' in shown
    assert f'statordb_table_throttle_events_total{{{where},way="write"}} 2.0' in shown
