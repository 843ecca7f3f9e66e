"""What was deleted is given back: rows, records, and the spaces of former indexes, whenever the server died."""

from typing import Any

import pytest
from tests.in_process import Api

from statordb.engine.contract import PageBudget
from statordb.keeper.reclaim import Reclaim

AMPLE = PageBudget(10_000, 1 << 30)


def create(api: Api) -> None:
    api(
        "CreateTable",
        TableName="abc",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "p", "AttributeType": "S"},
            {"AttributeName": "g", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "ggg",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(10):
        api("PutItem", TableName="abc", Item={"p": {"S": str(number)}, "g": {"S": "x"}, "ttl": {"N": "9999999999"}})


def spaces(api: Api) -> list[int]:
    (record,) = api.run(api.store.catalog.all())
    owned: list[int] = record.spaces()
    return owned


def rows(api: Api, space: int) -> int:
    return len(api.run(api.store.engine.scan(space, 0, 1, AMPLE)).bodies)


def clear(api: Api) -> None:
    duty = Reclaim(api.store)
    while api.run(duty.run_once()):
        pass
    api.run(duty.run_once())


def test_a_deleted_tables_rows_and_record_go(api: Api) -> None:
    create(api)
    owned = spaces(api)
    assert [rows(api, space) for space in owned] == [10, 10]
    api("DeleteTable", TableName="abc")
    clear(api)
    assert [rows(api, space) for space in owned] == [0, 0]
    assert api.run(api.store.catalog.all()) == []


@pytest.mark.parametrize("died", ["before the keeper came", "between its steps"])
def test_a_deletion_is_finished_after_a_restart(api: Api, died: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record goes last, so that no space is ever forgotten while it has rows."""
    create(api)
    owned = spaces(api)
    api("DeleteTable", TableName="abc")
    if died == "between its steps":
        duty = Reclaim(api.store)

        async def fail(*_: Any) -> None:
            raise ConnectionError

        monkeypatch.setattr(api.store.catalog, "change", fail)
        with pytest.raises(ConnectionError):
            api.run(duty.run_once())
        monkeypatch.undo()
    api.restart()
    assert api("ListTables")["TableNames"] == []
    clear(api)
    assert [rows(api, space) for space in owned] == [0, 0]
    assert api.run(api.store.catalog.all()) == []


def test_a_table_made_again_at_once_keeps_nothing_of_the_old_one(api: Api) -> None:
    """The keeper had no time to forget the first one, and its rows go all the same."""
    create(api)
    old = spaces(api)
    api("DeleteTable", TableName="abc")
    create(api)
    assert api("DescribeTable", TableName="abc")["Table"]["ItemCount"] == 10
    new = [space for space in spaces(api) if space not in old]  # its record names the old ones until they are dropped
    clear(api)
    assert [rows(api, space) for space in old] == [0, 0]
    assert [rows(api, space) for space in new] == [10, 10]
    assert api("Scan", TableName="abc", IndexName="ggg")["Count"] == 10


def test_a_deleted_indexs_rows_go(api: Api) -> None:
    create(api)
    table, index = spaces(api)
    api("UpdateTable", TableName="abc", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "ggg"}}])
    api.restart()  # before the keeper came: the record tells what is left to do
    clear(api)
    assert (rows(api, table), rows(api, index)) == (10, 0)
    assert spaces(api) == [table]


def test_switched_off_time_to_lives_rows_go(api: Api) -> None:
    create(api)
    specification = {"AttributeName": "ttl", "Enabled": True}
    api("UpdateTimeToLive", TableName="abc", TimeToLiveSpecification=specification)
    api.keep()
    *kept, space = spaces(api)
    assert rows(api, space) == 10
    api("UpdateTimeToLive", TableName="abc", TimeToLiveSpecification={**specification, "Enabled": False})
    clear(api)
    assert rows(api, space) == 0
    assert spaces(api) == kept


def test_a_deletion_takes_its_time(directory: Any) -> None:
    api = Api(directory, table_delay_seconds=10.0)
    create_request: dict[str, Any] = {
        "TableName": "abc",
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    api("CreateTable", **create_request)
    api.clock.advance(10)
    api("DeleteTable", TableName="abc")
    clear(api)
    assert api("DescribeTable", TableName="abc")["Table"]["TableStatus"] == "DELETING"
    api.clock.advance(10)
    clear(api)
    assert api.run(api.store.catalog.all()) == []
    api.close()
    api.loop.close()
