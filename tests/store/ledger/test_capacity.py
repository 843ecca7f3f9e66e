"""What a table's price depends on is kept as it changes, in the same update as the table's record."""

from typing import Any

import pytest
from tests.in_process import PRINCIPAL, Api

from statordb.metering.series import TABLE, Subject
from statordb.store.ledger.records import CapacityRecord


def units(read: int, write: int) -> dict[str, int]:
    return {"ReadCapacityUnits": read, "WriteCapacityUnits": write}


def create(api: Api, **options: Any) -> Subject:
    options = options or {"ProvisionedThroughput": units(5, 6)}
    made = api(
        "CreateTable",
        TableName="things",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in "pg"],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
                **({"ProvisionedThroughput": units(1, 2)} if "ProvisionedThroughput" in options else {}),
            }
        ],
        **options,
    )
    return Subject(PRINCIPAL.account, PRINCIPAL.region, TABLE, "things", made["TableDescription"]["TableId"])


def update(api: Api, **changes: Any) -> None:
    api.clock.advance(60)
    api("UpdateTable", TableName="things", **changes)


def kept(api: Api, subject: Subject, *between: float) -> list[CapacityRecord]:
    found: list[CapacityRecord] = api.run(api.store.ledger.capacities(subject, *between))
    return found


def test_a_table_has_its_capacity_from_the_first(api: Api) -> None:
    subject = create(api)
    assert kept(api, subject) == [
        CapacityRecord(api.clock.now(), subject.id, "PROVISIONED", "STANDARD", [5, 6], {"by_g": [1, 2]})
    ]


def test_each_change_is_kept_with_its_time(api: Api) -> None:
    subject = create(api)
    begin = api.clock.now()
    update(api, ProvisionedThroughput=units(7, 6))
    update(api, GlobalSecondaryIndexUpdates=[{"Update": {"IndexName": "by_g", "ProvisionedThroughput": units(3, 2)}}])
    update(api, TableClass="STANDARD_INFREQUENT_ACCESS")
    update(api, BillingMode="PAY_PER_REQUEST")
    update(api, OnDemandThroughput={"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 20})
    update(api, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_g"}}])
    api.clock.advance(60)
    api("DeleteTable", TableName="things")
    found = kept(api, subject)
    assert [round(each.at - begin) for each in found] == [0, 60, 120, 180, 240, 300, 360, 420]
    assert [each.capacity for each in found] == [[5, 6], [7, 6], [7, 6], [7, 6], None, None, None, None]
    assert [each.indexes for each in found[1:4]] == [{"by_g": [1, 2]}, {"by_g": [3, 2]}, {"by_g": [3, 2]}]
    assert [each.indexes for each in found[4:]] == [{"by_g": None}, {"by_g": None}, {}, {}]
    assert [each.table_class[8:] for each in found] == ["", "", "", *["_INFREQUENT_ACCESS"] * 5]
    assert found[5].maxima == {"": {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 20}}
    assert [each.deleted for each in found] == [False] * 7 + [True]


def test_what_prices_do_not_depend_on_is_not_kept(api: Api) -> None:
    subject = create(api)
    api.clock.advance(60)
    arn = api("DescribeTable", TableName="things")["Table"]["TableArn"]
    api("TagResource", ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    update(api, DeletionProtectionEnabled=True)
    api.keep()
    assert len(kept(api, subject)) == 1


def test_a_refused_update_keeps_nothing(api: Api) -> None:
    subject = create(api)
    api.refused("UpdateTable", TableName="things", ProvisionedThroughput=units(5, 6))
    assert len(kept(api, subject)) == 1


def test_tables_of_the_same_name_have_their_own(api: Api) -> None:
    """Even where all of it happens in the same instant."""
    first = create(api)
    api("DeleteTable", TableName="things")
    second = create(api, BillingMode="PAY_PER_REQUEST")
    assert [(each.capacity, each.deleted) for each in kept(api, first)] == [([5, 6], False), ([5, 6], True)]
    assert [each.billing_mode for each in kept(api, second)] == ["PAY_PER_REQUEST"]


def test_a_table_with_a_stream_is_kept_too(api: Api) -> None:
    """Its record is changed in one update with that of the stream."""
    specification = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    subject = create(api, BillingMode="PAY_PER_REQUEST", StreamSpecification=specification)
    api.clock.advance(60)
    api("DeleteTable", TableName="things")
    assert [each.deleted for each in kept(api, subject)] == [False, True]


@pytest.mark.parametrize(
    ("since", "until", "capacities"),
    [(0, 1e9, [5, 7, 9]), (60, 61, [7]), (59, 61, [5, 7]), (0, 0.5, [5]), (-5, 0, []), (500, 600, [9])],
)
def test_what_holds_in_a_time_can_be_read(api: Api, since: float, until: float, capacities: list[int]) -> None:
    """With what was set before that and held on."""
    subject, begin = create(api), api.clock.now()
    update(api, ProvisionedThroughput=units(7, 6))
    update(api, ProvisionedThroughput=units(9, 6))
    found = kept(api, subject, begin + since, begin + until)
    assert [each.capacity[0] for each in found if each.capacity] == capacities


def test_a_table_is_listed_before_anything_is_used_of_it(api: Api) -> None:
    subject = create(api)

    async def listed() -> list[str]:
        await api.store.flushing.flush()
        return [each.name async for each in api.store.ledger.subjects(subject.account, subject.region, "table/")]

    assert api.run(listed()) == ["things"]
