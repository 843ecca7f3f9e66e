"""Who makes up tables and accounts does not make the ledger grow without bound, and nobody's bill changes by that."""

from decimal import Decimal
from typing import Any

import pytest
from tests.in_process import PRINCIPAL, Api
from tests.store.engines import Died, Mortal
from tests.store.kit import Kit

from statordb.keeper.ledger import Ledger as Duty
from statordb.metering.month import Month
from statordb.metering.prices import BUNDLED, parse
from statordb.metering.series import ACCOUNT, BYTES_OUT, REST, TABLE, Series, Statistic, Subject
from statordb.metering.taps import OTHERS
from statordb.server.billing import making
from statordb.server.billing.query import Query
from statordb.store.keyspace import Space
from statordb.store.ledger.ageing import Ageing
from statordb.store.ledger.days import Days
from statordb.store.ledger.ledger import Counted, Ledger
from statordb.store.ledger.records import SubjectRecord
from statordb.store.ledger.settling import Settling

HOUR, DAY = 3600, 86_400
GONE_MAX = 3
PROVISIONED = {"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}}
ON_DEMAND = {"BillingMode": "PAY_PER_REQUEST", "TableClass": "STANDARD_INFREQUENT_ACCESS"}


def live(api: Api, name: str, seconds: float, **mode: Any) -> None:
    """A table is made, used for a while, and dropped."""
    api(
        "CreateTable",
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        **mode,
    )
    for number in range(3):
        api("PutItem", TableName=name, Item={"p": {"S": f"{number}"}, "t": {"S": "x" * 3000}})
        api.run(api.store.flushing.flush())
        api.clock.advance(seconds / 3)
    api("DeleteTable", TableName=name)
    api.run(api.store.flushing.flush())


def keep(api: Api) -> None:
    """A round of the keeper."""

    async def round() -> None:
        duty = Duty(api.store, GONE_MAX)
        while await duty.run_once():
            pass

    api.run(round())


def listed(api: Api, kind: str = TABLE) -> list[SubjectRecord]:
    async def found() -> list[SubjectRecord]:
        return [each async for each in api.store.ledger.subjects(PRINCIPAL.account, PRINCIPAL.region, f"{kind}/")]

    return api.run(found())


def billed(api: Api, month: Month) -> tuple[dict[str, Decimal], Decimal]:
    """Quantities by usage type, and what they cost."""
    sheet = parse(BUNDLED.read_bytes())
    made = api.run(making.make(Days(api.store.ledger), Query(month), sheet, api.clock.now())).bill
    found: dict[str, Decimal] = {}
    for line in made.lines:
        found[line.usage_type] = found.get(line.usage_type, Decimal(0)) + line.quantity
    return found, made.total


def assert_same(one: tuple[dict[str, Decimal], Decimal], other: tuple[dict[str, Decimal], Decimal]) -> None:
    """To what rounds away far behind a cent: tables that are one line are rounded once."""
    assert one[0].keys() == other[0].keys()
    for usage_type, quantity in one[0].items():
        assert abs(quantity - other[0][usage_type]) < Decimal("1e-8"), usage_type
    assert abs(one[1] - other[1]) < Decimal("1e-8")


def test_tables_that_come_and_go_are_put_together_and_billed_as_before(api: Api) -> None:
    """Over the end of a month, so that what they were belongs to two."""
    first = Month.of(api.clock.now())
    api.clock.advance(first.ends - 5 * HOUR - api.clock.now())
    for number in range(8):
        live(api, f"table{number % 2}", 2 * HOUR, **(PROVISIONED if number % 3 else ON_DEMAND))
    months = (first, Month.of(first.ends))
    before = [billed(api, month) for month in months]
    assert all(total > 0 for _, total in before)
    api.clock.advance(2 * HOUR)
    keep(api)
    kept = listed(api)
    assert len(kept) == GONE_MAX
    last = sorted(each.deleted_at or 0 for each in kept)
    assert last[0] >= first.ends + 4 * HOUR, "those that went first are settled"
    (rest,) = listed(api, REST)
    assert rest.moves >= 5
    for month, told in zip(months, before, strict=True):
        assert_same(billed(api, month), told)
    keep(api)
    assert len(listed(api)) == GONE_MAX
    assert_same(billed(api, first), before[0])


@pytest.mark.parametrize("lives", range(1, 5))
def test_whoever_dies_while_a_table_is_settled_leaves_the_bill_as_it_is(api: Api, lives: int) -> None:
    month = Month.of(api.clock.now())
    live(api, "things", HOUR, **PROVISIONED)
    before = billed(api, month)
    api.clock.advance(2 * HOUR)
    keep(api)
    (gone,) = listed(api)
    ledger, ageing = api.store.ledger, Ageing(api.store.engine, api.store.ledger.minutes)
    mortal = Mortal(api.store.engine, lives).as_engine()
    try:
        api.run(Settling(mortal, ledger, Ageing(mortal, ledger.minutes)).settle(gone, api.clock.now()))
    except Died:
        pass
    assert_same(billed(api, month), before)
    for each in listed(api):
        assert api.run(Settling(api.store.engine, ledger, ageing).settle(each, api.clock.now()))
    assert listed(api) == []
    assert_same(billed(api, month), before)


def test_what_may_still_be_counted_of_is_not_settled(api: Api) -> None:
    """A process that could not write for a while tells of it late."""
    live(api, "things", HOUR, **PROVISIONED)
    api.clock.advance(HOUR / 2)
    keep(api)
    (gone,) = listed(api)
    settling = Settling(api.store.engine, api.store.ledger, Ageing(api.store.engine, api.store.ledger.minutes))
    assert not api.run(settling.settle(gone, api.clock.now()))
    (gone,) = listed(api)
    assert not gone.settled


def test_a_bill_sees_that_something_was_moved_meanwhile(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    month = Month.of(api.clock.now())
    live(api, "things", HOUR, **PROVISIONED)
    before = billed(api, month)
    api.clock.advance(2 * HOUR)
    keep(api)
    (gone,) = listed(api)
    read = making.used

    async def moved_meanwhile(*given: Any) -> Any:
        if given[2].kind == TABLE:  # behind the rest
            monkeypatch.setattr(making, "used", read)
            ageing = Ageing(api.store.engine, api.store.ledger.minutes)
            assert await Settling(api.store.engine, api.store.ledger, ageing).settle(gone, api.clock.now())
        return await read(*given)

    monkeypatch.setattr(making, "used", moved_meanwhile)
    assert_same(billed(api, month), before)
    assert making.used is read


def counted(account: str, minute: int) -> Counted:
    return Counted(
        Subject(account, "us-east-1", ACCOUNT), minute, "p", {Series(BYTES_OUT): Statistic(1, 7.0, 7.0, 7.0)}
    )


def test_accounts_beyond_those_there_is_room_for_are_one(kit: Kit) -> None:
    """Without authentication whoever asks may name any account."""
    ledger = kit.store.ledger
    small = Ledger(kit.engine, ledger.minutes, scopes_max=5)
    flushing = kit.store.flushing
    flushing._ledger = small
    for number in range(12):
        kit.store.taps.of_account(f"{number:012}", "us-east-1").add(Series(BYTES_OUT), 7.0)
    kit.run(flushing.flush())

    async def scopes() -> list[str]:
        return [scope.account async for scope in ledger.scopes()]

    found = kit.run(scopes())
    assert len(found) == 6
    assert "" in found
    assert kit.run(ledger.total(OTHERS))[Series(BYTES_OUT)].sum == 7 * 7.0
    kit.clock.advance(500 * DAY)

    async def round() -> None:
        duty = Duty(kit.store)
        while await duty.run_once():
            pass

    for _ in range(2):  # what is empty is found to be so in the next one
        kit.run(round())
    assert kit.run(scopes()) == []
    assert [row for row in kit.rows(Space.LEDGER_SUBJECTS) if b"seen" not in row.partition] == []


def test_the_keeper_has_no_list_of_all_subjects(kit: Kit) -> None:
    for number in range(45):
        kit.run(kit.store.ledger.note(Subject("000000000000", "us-east-1", TABLE, f"t{number}", "id"), 1.0))
    duty = Duty(kit.store)
    runs = 1
    while kit.run(duty.run_once()):
        runs += 1
        assert len(duty._gone) <= 45
    assert runs == 3


def test_a_clock_that_is_set_ahead_by_years_does_not_empty_the_ledger(kit: Kit) -> None:
    ledger, minute = kit.store.ledger, int(kit.clock.now()) // 60 * 60
    one = counted("000000000000", minute)
    kit.run(ledger.put([one]))
    kit.run(ledger.note(one.subject, minute))

    async def round() -> None:
        duty = Duty(kit.store)
        while await duty.run_once():
            pass

    kit.run(round())
    kit.clock.advance(500 * DAY)
    for _ in range(3):
        kit.run(round())
        assert kit.run(ledger.total(one.subject))
    kit.clock.advance(-500 * DAY + 2 * HOUR)
    kit.run(ledger.put([one._replace(minute=minute + HOUR, process=name) for name in "ab"]))
    kit.run(round())
    kit.clock.advance(HOUR)
    kit.run(round())
    (known,) = kit.run(_subjects(ledger, one))
    assert max(known.aged) <= kit.clock.now(), "what came while the clock was ahead is not passed over"
    for _ in range(500):
        kit.clock.advance(DAY)
        kit.run(ledger.pass_time(kit.clock.now()))
    kit.run(round())
    assert not kit.run(ledger.total(one.subject))


async def _subjects(ledger: Ledger, one: Counted) -> list[SubjectRecord]:
    return [each async for each in ledger.subjects(one.subject.account, one.subject.region)]
