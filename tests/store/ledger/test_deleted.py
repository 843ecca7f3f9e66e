"""Tables that are gone: known as such, and found without a look at all that had their name later."""

from typing import Any

from tests.in_process import PRINCIPAL, Api

from statordb.keeper.ledger import Ledger as Duty
from statordb.metering.month import Month
from statordb.metering.series import TABLE
from statordb.store.ledger.days import Days
from statordb.store.ledger.records import SubjectRecord
from statordb.store.ledger.usages import Window, used

HOUR = 3600


def create(api: Api) -> None:
    api(
        "CreateTable",
        TableName="things",
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
    )


def listed(api: Api) -> list[SubjectRecord]:
    """After a look of the keeper, the oldest first."""

    async def found() -> list[SubjectRecord]:
        await api.store.flushing.flush()
        duty = Duty(api.store)
        while await duty.run_once():
            pass
        return [each async for each in api.store.ledger.subjects(PRINCIPAL.account, PRINCIPAL.region, f"{TABLE}/")]

    return sorted(api.run(found()), key=lambda each: each.created_at)


def hours(api: Api, record: SubjectRecord) -> Any:
    """Hours of write units that are billed."""
    now = api.clock.now()
    of = api.run(used(Days(api.store.ledger), Window(Month.of(now), now), record))
    return sum(each.quantity for each in of.usages if each.usage_type == "WriteCapacityUnit-Hrs")


def test_it_is_known_since_when_a_table_is_gone(api: Api) -> None:
    create(api)
    (there,) = listed(api)
    assert there.deleted_at is None
    api.clock.advance(HOUR)
    api("DeleteTable", TableName="things")
    deleted_at = api.clock.now()
    api.clock.advance(HOUR)
    create(api)
    old, new = listed(api)
    assert (old.id, old.deleted_at, new.deleted_at) == (there.id, deleted_at, None)


def test_what_had_the_name_before_and_after_is_not_read(api: Api) -> None:
    """A name that is made and dropped again and again would else be read as often, for each of its tables."""
    for _ in range(40):
        create(api)
        api.clock.advance(1)
        api("DeleteTable", TableName="things")
        api.clock.advance(1)
    create(api)
    records, engine = listed(api), api.store.engine
    looked: list[int] = []
    read = engine.range

    async def counting(*given: Any) -> Any:
        page = await read(*given)
        looked.append(len(page.bodies))
        return page

    engine.range = counting  # type: ignore[method-assign]
    for record in records:
        looked.clear()
        found = api.run(api.store.ledger.capacities(record.subject, until=record.changes_until(1e12)))
        assert [each.deleted for each in found] == ([False] if record.deleted_at is None else [False, True])
        assert len(looked) == 1


def test_a_clock_that_was_set_back_bills_no_table_for_good(api: Api) -> None:
    """Its end is then before its beginning, where the ledger looks for what holds on."""
    create(api)
    api.clock.advance(-24 * HOUR)
    api("DeleteTable", TableName="things")
    api.clock.advance(24 * HOUR)
    (gone,) = listed(api)
    first = hours(api, gone)
    api.clock.advance(10 * HOUR)
    assert hours(api, gone) == first
