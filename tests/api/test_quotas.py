"""AWS's quotas of tables and their changes, where they are kept to. Texts: AWS's own answers, as users of it tell."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.in_process import PRINCIPAL, Api

from statordb.commands.scaling import bring
from statordb.model.errors import ClientError
from statordb.model.quotas import Quotas
from statordb.store.admission import Admission
from statordb.store.scaling.records import TargetName, TargetRecord

PROVISIONED = {"BillingMode": "PROVISIONED"}
UNITS = {"ReadCapacityUnits": 50, "WriteCapacityUnits": 50}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    api = Api(tmp_path, table_delay_seconds=5)
    keep_to(api, Quotas(tables=3, control_operations=2, changes=True))
    yield api
    api.close()


def keep_to(api: Api, quotas: Quotas) -> None:
    api.store.quotas = quotas
    api.store.admission = Admission(api.store.engine, api.clock, quotas)


def create(api: Api, name: str, **more: Any) -> None:
    api(
        "CreateTable",
        TableName=name,
        **definition() | more,
    )


def definition() -> dict[str, Any]:
    return {
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }


def provisioned(api: Api) -> None:
    """A table abc, and an index of it, of 50 units each."""
    create(
        api,
        "abc",
        BillingMode="PROVISIONED",
        ProvisionedThroughput=UNITS,
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("p", "g")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "byg",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": UNITS,
            }
        ],
    )
    api.clock.advance(6)


def units(reads: int, writes: int) -> dict[str, Any]:
    return {"ProvisionedThroughput": {"ReadCapacityUnits": reads, "WriteCapacityUnits": writes}}


def update(api: Api, **asked: Any) -> None:
    api("UpdateTable", TableName="abc", **asked)
    api.clock.advance(6)


def test_a_region_has_as_many_tables_as_it_may(api: Api) -> None:
    for name in ("abc", "def", "ghi"):
        create(api, name)
        api.clock.advance(6)
    fault = api.refused("CreateTable", TableName="jkl", **definition())
    assert fault.code == "LimitExceededException"
    assert fault.message == "Subscriber limit exceeded: There is a limit of 3 tables per subscriber"
    api("DeleteTable", TableName="abc")
    assert api.refused("CreateTable", TableName="jkl", **definition()).code == "LimitExceededException"
    api.clock.advance(6)
    create(api, "jkl")


def test_only_so_many_tables_change_at_a_time(api: Api) -> None:
    provisioned(api)
    create(api, "def")
    create(api, "ghi")
    for operation, asked in (("UpdateTable", units(60, 60)), ("DeleteTable", {}), ("CreateTable", definition())):
        name = "abc" if operation != "CreateTable" else "jkl"
        keep_to(api, Quotas(control_operations=2))
        fault = api.refused(operation, TableName=name, **asked)
        assert fault.code == "LimitExceededException"
        assert fault.message == (
            "Subscriber limit exceeded: Only 2 tables can be created, updated, or deleted simultaneously"
        )
    api.clock.advance(6)
    update(api, **units(60, 60))


def test_tables_whose_attributes_look_like_a_status_are_counted_as_they_are(api: Api) -> None:
    """Records are searched for the word before they are parsed."""
    name = '"status":"CREATING"'
    create(
        api,
        "abc",
        KeySchema=[{"AttributeName": name, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"}],
    )
    api.clock.advance(6)
    create(api, "def")
    create(api, "ghi")


def test_capacity_is_lowered_four_times_a_day_and_then_once_an_hour(api: Api) -> None:
    provisioned(api)
    for figures in ((40, 40), (30, 60), (20, 20), (10, 10)):  # one up and one down is a decrease
        update(api, **units(*figures))
    fault = api.refused("UpdateTable", TableName="abc", **units(20, 9))
    assert fault.code == "LimitExceededException"
    assert fault.message.startswith(
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the "
        "first 4 decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 "
        "seconds. Number of decreases today: 4. Last decrease at "
    )
    update(api, **units(20, 10))  # more is no decrease
    index = {"IndexName": "byg", **units(40, 40)}
    update(api, GlobalSecondaryIndexUpdates=[{"Update": index}])  # which has a count of its own
    api.clock.advance(3600)
    update(api, **units(19, 10))
    assert "Number of decreases today: 5" in api.refused("UpdateTable", TableName="abc", **units(18, 10)).message
    api.clock.advance(24 * 3600)
    update(api, **units(18, 10))


def test_an_exhausted_day_of_an_index_refuses_the_whole_update(api: Api) -> None:
    provisioned(api)
    for figure in (40, 30, 20, 10):
        update(api, GlobalSecondaryIndexUpdates=[{"Update": {"IndexName": "byg", **units(figure, figure)}}])
    asked = {"GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "byg", **units(5, 5)}}], **units(49, 50)}
    assert api.refused("UpdateTable", TableName="abc", **asked).code == "LimitExceededException"
    assert api("DescribeTable", TableName="abc")["Table"]["ProvisionedThroughput"]["ReadCapacityUnits"] == 50


def test_the_times_of_decreases_are_told_as_aws_tells_them(api: Api) -> None:
    provisioned(api)
    api.clock.advance(1_791_505_294 - api.clock.now())  # Friday, October 9, 2026, 00:21:34
    api.store.table_delay_seconds = 0
    for figure in (9, 8, 7, 6):
        api("UpdateTable", TableName="abc", **units(figure, figure))
    fault = api.refused("UpdateTable", TableName="abc", **units(5, 5))
    assert fault.message.endswith(
        "Last decrease at Friday, October 9, 2026 at 12:21:34 AM Coordinated Universal Time. Next decrease can be made "
        "at Friday, October 9, 2026 at 1:21:34 AM Coordinated Universal Time"
    )


def test_the_table_class_changes_twice_in_thirty_days(api: Api) -> None:
    provisioned(api)
    update(api, TableClass="STANDARD")  # as it is
    update(api, TableClass="STANDARD_INFREQUENT_ACCESS")
    update(api, TableClass="STANDARD")
    for wanted in ("STANDARD", "STANDARD_INFREQUENT_ACCESS"):
        fault = api.refused("UpdateTable", TableName="abc", TableClass=wanted)
        assert fault.code == "LimitExceededException"
        assert fault.message == "Subscriber limit exceeded: Updates to TableClass are limited to 2 times in 30 day(s)."
    api.clock.advance(30 * 24 * 3600)
    update(api, TableClass="STANDARD_INFREQUENT_ACCESS")


def test_an_account_provisions_so_much_and_no_more(api: Api) -> None:
    """As DescribeLimits tells: tables and global indexes together, whoever asks for it."""
    create(api, "one", **PROVISIONED, **units(40_000, 10))
    api.clock.advance(6)
    provisioned(api)
    fault = api.refused("CreateTable", TableName="two", **definition() | PROVISIONED | units(39_901, 10))
    assert (fault.code, fault.message) == (
        "LimitExceededException",
        "Subscriber limit exceeded: There is a limit of 80000 provisioned read capacity units per account",
    )
    assert api.refused("UpdateTable", TableName="abc", **units(39_951, 50)).code == "LimitExceededException"
    index = {"IndexName": "byg", **units(50, 79_941)}
    asked = {"GlobalSecondaryIndexUpdates": [{"Update": index}]}
    assert "provisioned write" in api.refused("UpdateTable", TableName="abc", **asked).message
    update(api, **units(39_950, 50))
    update(api, **units(39_950, 40))  # of reads there are no more to be had, of writes there are
    update(api, **units(39_950, 90))
    create(api, "def")
    api.clock.advance(6)
    assert api.refused("UpdateTable", TableName="def", BillingMode="PROVISIONED", **units(1, 1)).code == fault.code
    api("DeleteTable", TableName="one")
    api("UpdateTable", TableName="def", BillingMode="PROVISIONED", **units(40_000, 1))


def test_a_new_table_has_so_much_with_its_indexes_and_no_more(api: Api) -> None:
    index = {
        "IndexName": "byg", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"}, **units(1, 20_001),
    }  # fmt: skip
    asked = definition() | PROVISIONED | units(1, 20_000)
    asked["AttributeDefinitions"] = [{"AttributeName": name, "AttributeType": "S"} for name in "pg"]
    fault = api.refused("CreateTable", TableName="abc", GlobalSecondaryIndexes=[index], **asked)
    assert fault.code == "LimitExceededException"
    assert fault.message.endswith("There is a limit of 40000 provisioned write capacity units per table")
    index |= units(1, 20_000)
    api("CreateTable", TableName="abc", GlobalSecondaryIndexes=[index], **asked)


def test_scaling_keeps_to_what_an_account_may_have(api: Api) -> None:
    create(api, "one", **PROVISIONED, **units(10, 40_000))
    create(api, "abc", **PROVISIONED, **units(10, 39_990))
    api.clock.advance(6)
    name = TargetName(PRINCIPAL.account, PRINCIPAL.region, "table/abc", "dynamodb:table:WriteCapacityUnits")
    target = TargetRecord(*name, "id", "uuid", 0.0, 1, 90_000, "")
    told = api.run(bring(api.store, target, 40_001, "a test"))
    assert told is not None
    assert (told.status, told.done) == (
        "Failed",
        "Failed to set write capacity units to 40001. Reason: Subscriber limit exceeded: There is a limit of 80000 "
        "provisioned write capacity units per account",
    )
    assert api.run(bring(api.store, target, 40_000, "a test")).status == "Successful"


def test_a_table_goes_over_to_on_demand_four_times_in_a_day(api: Api) -> None:
    provisioned(api)
    api.store.table_delay_seconds = 0
    back = {"BillingMode": "PROVISIONED", **units(50, 50)}
    back["GlobalSecondaryIndexUpdates"] = [{"Update": {"IndexName": "byg", **units(50, 50)}}]
    api.clock.advance(1_791_505_294 - api.clock.now())  # Friday, October 9, 2026, 00:21:34
    for _ in range(4):
        api("UpdateTable", TableName="abc", BillingMode="PAY_PER_REQUEST")
        api.clock.advance(600)
        api("UpdateTable", TableName="abc", **back)
    fault = api.refused("UpdateTable", TableName="abc", BillingMode="PAY_PER_REQUEST")
    assert (fault.code, fault.message) == (
        "LimitExceededException",
        "Subscriber limit exceeded: Update to PayPerRequest mode are limited to 4 times in 1 day(s). Last update at "
        "Fri Oct 09 00:51:34 UTC 2026. Next update can be made at Sat Oct 10 00:21:34 UTC 2026",
    )
    api.clock.advance(24 * 3600 - 2400)
    api("UpdateTable", TableName="abc", BillingMode="PAY_PER_REQUEST")


def test_who_begins_together_is_not_let_in_together(api: Api) -> None:
    """Another process has a lock of its own, and sees no table that is not there yet."""
    other = Admission(api.store.engine, api.clock, Quotas(tables=3, changes=True))
    create(api, "abc")
    create(api, "def")
    api.clock.advance(6)
    scope = (PRINCIPAL.account, PRINCIPAL.region)

    async def begin() -> None:
        async with other.new_table(*scope, "ghi", (30_000, 1)):
            with pytest.raises(ClientError, match="3 tables"):
                async with api.store.admission.new_table(*scope, "jkl"):
                    pass

    api.run(begin())
    create(api, "ghi")
    api.clock.advance(6)

    async def dies() -> None:
        async with other.new_table(*scope, "jkl"):
            pass

    with pytest.raises(ClientError):
        api.run(dies())
    api("DeleteTable", TableName="ghi")
    api.clock.advance(6)
    lost = other._reservations.made(*scope, "jkl", (1, 1))
    api.run(lost.__aenter__())
    assert api.refused("CreateTable", TableName="ghi", **definition()).code == "LimitExceededException"
    api.clock.advance(61)
    create(api, "ghi")


def test_without_quotas_nothing_is_counted(tmp_path: Path) -> None:
    api = Api(tmp_path)
    provisioned(api)
    for figure in range(49, 40, -1):
        update(api, **units(figure, figure))
    for wanted in ("STANDARD_INFREQUENT_ACCESS", "STANDARD") * 3:
        update(api, TableClass=wanted)
    api.close()
