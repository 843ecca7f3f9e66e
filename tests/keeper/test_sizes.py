"""Sizes of tables, as the keeper tells the ledger of them."""

from typing import Any

import pytest
from tests.in_process import Api

from statordb.engine.contract import Effects, Key
from statordb.keeper.sizes import Sizes
from statordb.metering.series import TABLE, TABLE_BYTES, TABLE_ITEMS, Subject
from statordb.store.keyspace import Space
from statordb.store.ledger.records import capacity_partition
from statordb.store.rows import rows

HOUR = 3600


@pytest.fixture
def table(api: Api) -> Api:
    api(
        "CreateTable",
        TableName="things",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in "pg"],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    return api


class Looking:
    """The duty, and what it has told since one asked last."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.duty = Sizes(api.store)

    def look(self) -> list[dict[tuple[str, str], float]]:
        """Let it do all that is to do: of each table that was looked at, its figures."""
        while self.api.run(self.duty.run_once()):
            pass
        taps = self.api.store.taps
        taps.turn()
        found = []
        while (taken := taps.take()) is not None:
            sizes = {
                (series.metric, series.index): each.sum
                for series, each in taken.figures.items()
                if series.metric in (TABLE_BYTES, TABLE_ITEMS)
            }
            found += [sizes] if sizes else []
        return found


def test_a_table_is_told_with_its_indexes(table: Api) -> None:
    table("PutItem", TableName="things", Item={"p": {"S": "ab"}, "g": {"S": "c"}, "v": {"S": "x" * 100}})
    table("PutItem", TableName="things", Item={"p": {"S": "ac"}})
    described: dict[str, Any] = table("DescribeTable", TableName="things")["Table"]
    (index,) = described["GlobalSecondaryIndexes"]
    assert Looking(table).look() == [
        {
            (TABLE_BYTES, ""): described["TableSizeBytes"],
            (TABLE_ITEMS, ""): 2,
            (TABLE_BYTES, "by_g"): index["IndexSizeBytes"] - 100,  # AWS tells of an entry with what storage costs
            (TABLE_ITEMS, "by_g"): 1,
        }
    ]


def test_it_is_looked_at_once_an_hour(table: Api) -> None:
    looking = Looking(table)
    assert len(looking.look()) == 1
    assert looking.look() == []
    table.clock.advance(HOUR)
    assert len(looking.look()) == 1


def test_a_new_table_is_looked_at_before_the_hour_is_over(table: Api) -> None:
    looking = Looking(table)
    looking.look()
    table(
        "CreateTable",
        TableName="more",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
    )
    assert looking.look() == [{(TABLE_BYTES, ""): 0, (TABLE_ITEMS, ""): 0}]


def test_a_deleted_table_is_not_looked_at(table: Api) -> None:
    table("DeleteTable", TableName="things")
    assert Looking(table).look() == []


def test_a_run_is_bounded(table: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statordb.keeper.sizes.TABLES_MAX", 1)
    table(
        "CreateTable",
        TableName="more",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
    )
    duty = Sizes(table.store)
    assert [table.run(duty.run_once()) for _ in range(3)] == [True, False, False]


def test_a_table_that_is_older_than_the_ledger_gets_its_capacity(table: Api) -> None:
    """The hours up to then are nobody's, those from then on are billed."""
    (row,) = table.run(_capacity_rows(table))
    table.run(table.store.engine.update((row,), lambda stored: Effects(writes=((row, None),))))
    table.clock.advance(HOUR)
    Looking(table).look()
    subject = Subject("000000000000", "us-east-1", TABLE, "things", table.run(_id(table)))
    (kept,) = table.run(table.store.ledger.capacities(subject))
    assert (kept.at, kept.billing_mode, kept.indexes) == (table.clock.now(), "PAY_PER_REQUEST", {"by_g": None})


def test_a_capacity_that_is_kept_is_not_kept_again(table: Api) -> None:
    table.clock.advance(HOUR)
    Looking(table).look()
    assert len(table.run(_capacity_rows(table))) == 1


async def _capacity_rows(api: Api) -> list[Key]:
    partition = capacity_partition("000000000000", "us-east-1", "things")
    found = rows(api.store.engine, Space.LEDGER_CAPACITY, partition)
    return [Key(Space.LEDGER_CAPACITY, partition, row.sort) async for row in found]


async def _id(api: Api) -> str:
    record = await api.store.catalog.stored("000000000000", "us-east-1", "things")
    assert record is not None
    return record.id
