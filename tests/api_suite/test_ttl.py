"""Time to live: switched on and off, and items that are gone once their time is past."""

import time

import pytest
from tests.api_suite.conftest import Client, MakeTable, index
from tests.api_suite.refusal import invalid, refused
from tests.pace import HANGS_SECONDS

YEAR_SECONDS = 365 * 24 * 3600


def _set(client: Client, table: str, enabled: bool, attribute: str = "e") -> None:
    client.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": enabled, "AttributeName": attribute}
    )


def test_it_is_off_then_on(client: Client, make_table: MakeTable) -> None:
    table = make_table("p", "p:S")
    described = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "DISABLED"}
    with invalid("TimeToLive is already disabled"):
        _set(client, table, False)
    _set(client, table, True)
    described = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "e"}
    with invalid("TimeToLive is already enabled"):
        _set(client, table, True)
    with invalid("TimeToLive is active on a different AttributeName"):
        _set(client, table, True, "other")


def test_an_unknown_table(client: Client) -> None:
    """A table that is not there must not look like one without a time to live."""
    with refused("ResourceNotFoundException"):
        client.describe_time_to_live(TableName="no-such-table")
    with refused("ResourceNotFoundException"):
        _set(client, "no-such-table", True)


@pytest.mark.slow
def test_items_expire(client: Client, make_table: MakeTable) -> None:
    # Only a number of seconds that is past, but not by more than five years, says that an item is to go.
    table = make_table("p", "p:S g:S", GlobalSecondaryIndexes=[index("by_g", "g")])
    _set(client, table, True)
    now = int(time.time())
    times = {
        "past": {"N": str(now - 100)},
        "future": {"N": str(now + 1000)},
        "long past": {"N": str(now - 6 * YEAR_SECONDS)},
        "text": {"S": str(now - 100)},
    }
    for name, value in times.items():
        client.put_item(TableName=table, Item={"p": {"S": name}, "g": {"S": "x"}, "e": value})
    client.put_item(TableName=table, Item={"p": {"S": "none"}, "g": {"S": "x"}})
    deadline = time.monotonic() + HANGS_SECONDS
    while "Item" in client.get_item(TableName=table, Key={"p": {"S": "past"}}, ConsistentRead=True):
        assert time.monotonic() < deadline, "nothing expired"
        time.sleep(0.1)
    for part in ({}, {"IndexName": "by_g"}):
        left = {item["p"]["S"] for item in client.scan(TableName=table, **part)["Items"]}
        assert left == {"future", "long past", "text", "none"}
