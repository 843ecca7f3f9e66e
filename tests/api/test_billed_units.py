"""Which of the units that requests use are billed, and as what: by the mode and the class of the table at that time."""

from typing import Any

import pytest
from tests.in_process import Api

from statordb.metering.series import BILLED, TABLE_CHANGES

PUT = {"Item": {"p": {"S": "a"}, "v": {"S": "x" * 2000}}}


@pytest.fixture
def table(api: Api) -> Api:
    """With a table on demand, and a global index of it."""
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


def billed(api: Api) -> dict[str, float]:
    """What was counted since one looked last, by usage type."""
    taps = api.store.taps
    taps.turn()
    found: dict[str, float] = {}
    while (taken := taps.take()) is not None:
        for series, statistic in taken.figures.items():
            if series.metric == BILLED:
                found[series.kind] = found.get(series.kind, 0.0) + statistic.sum
    return found


def update(api: Api, **changes: Any) -> None:
    api("UpdateTable", TableName="things", **changes)


PROVISIONED = {
    "BillingMode": "PROVISIONED",
    "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
    "GlobalSecondaryIndexUpdates": [
        {
            "Update": {
                "IndexName": "by_g",
                "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
            }
        }
    ],
}


def test_requests_on_demand_are_billed_with_those_of_their_indexes(table: Api) -> None:
    item = {"p": {"S": "a"}, "g": {"S": "b"}, "v": {"S": "x" * 2000}}
    table("PutItem", TableName="things", Item=item)
    assert billed(table) == {"WriteRequestUnits": 2 + 1}
    table("GetItem", TableName="things", Key={"p": {"S": "a"}})
    table("Scan", TableName="things", IndexName="by_g")
    assert billed(table) == {"ReadRequestUnits": 0.5 + 2.0}


def test_requests_of_provisioned_tables_are_not(table: Api) -> None:
    update(table, **PROVISIONED)
    table("PutItem", TableName="things", **PUT)
    assert billed(table) == {}


def test_a_minute_may_have_both(table: Api) -> None:
    """Whatever has been counted stays what it was when the mode or the class is another one."""
    table("PutItem", TableName="things", **PUT)
    update(table, **PROVISIONED)
    table("PutItem", TableName="things", **PUT)
    update(table, BillingMode="PAY_PER_REQUEST")
    table("PutItem", TableName="things", **PUT)
    update(table, TableClass="STANDARD_INFREQUENT_ACCESS")
    table("PutItem", TableName="things", **PUT)
    assert billed(table) == {"WriteRequestUnits": 4.0, "IA-WriteRequestUnits": 2.0}


def test_what_was_counted_is_told_in_all_modes(table: Api) -> None:
    table("PutItem", TableName="things", **PUT)
    update(table, **PROVISIONED)
    table("PutItem", TableName="things", **PUT)
    taps = table.store.taps
    taps.turn()
    taken = taps.take()
    assert taken is not None
    assert {series.metric: each.sum for series, each in taken.figures.items() if series.metric != TABLE_CHANGES} == {
        "ConsumedWriteCapacityUnits": 4.0,
        "BilledUsage": 2.0,
    }


def test_another_process_learns_of_the_mode(table: Api) -> None:
    """By the table's record, as of all else of it."""
    other = table.another()
    find = other.catalog.find("000000000000", "us-east-1", "things")
    assert table.run(find).tap.is_billed
