"""Items whose time to live is over: they go, with their index entries, and nothing else does."""

from dataclasses import replace
from typing import Any

import pytest
from tests.in_process import PRINCIPAL, SHAPES, Api
from tests.store.engines import Eventual, Held

from statordb.api.dispatch import Dispatcher
from statordb.engine.contract import Engine, Key, PageBudget
from statordb.keeper import backfill, expiry
from statordb.keeper.backfill import Backfill
from statordb.keeper.expiry import LEFT_SECONDS, Expiry
from statordb.keeper.rounds import BEGUN_AT_ONCE
from statordb.model.request import Reply, Request
from statordb.store.indexes.expiry import OLDEST_SECONDS, ExpiryIndex
from statordb.store.store import Store
from statordb.store.table import Table


def create(api: Api) -> None:
    api(
        "CreateTable",
        TableName="abc",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "p", "AttributeType": "S"},
            {"AttributeName": "c", "AttributeType": "N"},
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


def live(api: Api, enabled: bool = True, attribute: str = "ttl") -> None:
    api(
        "UpdateTimeToLive",
        TableName="abc",
        TimeToLiveSpecification={"Enabled": enabled, "AttributeName": attribute},
    )


def put(api: Api, key: str, ttl: Any = None, **more: Any) -> None:
    """`ttl`: seconds from now, or an attribute value."""
    if isinstance(ttl, int | float):
        ttl = {"N": str(api.clock.now() + ttl)}
    item = {"p": {"S": key}, "c": {"N": "1"}, "g": {"S": "g"}, **more}
    api("PutItem", TableName="abc", Item=item if ttl is None else {**item, "ttl": ttl})


def left(api: Api) -> list[str]:
    found = sorted(item["p"]["S"] for item in api("Scan", TableName="abc")["Items"])
    table = api("DescribeTable", TableName="abc")["Table"]
    by_index = api("Scan", TableName="abc", IndexName="ggg")["Count"]
    assert len(found) == by_index == table["ItemCount"] == table["GlobalSecondaryIndexes"][0]["ItemCount"]
    return found


def test_items_go_when_their_time_has_come(api: Api) -> None:
    create(api)
    live(api)
    put(api, "soon", 10)
    put(api, "later", 100)
    put(api, "fraction", 9.5)
    put(api, "never")
    api.keep()
    assert left(api) == ["fraction", "later", "never", "soon"]
    api.clock.advance(9.9)
    api.keep()
    assert left(api) == ["fraction", "later", "never", "soon"]  # the clock's whole seconds count
    api.clock.advance(0.1)
    api.keep()
    assert left(api) == ["later", "never"]
    api.clock.advance(90)
    api.keep()
    assert left(api) == ["never"]


@pytest.mark.parametrize("ttl", [{"S": "1"}, {"NS": ["1"]}, {"NULL": True}, {"L": [{"N": "1"}]}])
def test_only_numbers_count(api: Api, ttl: dict[str, Any]) -> None:
    """An attribute of another type is no time, whatever it looks like: the item stays."""
    create(api)
    live(api)
    put(api, "a", ttl)
    api.keep()
    assert left(api) == ["a"]


def test_a_time_more_than_five_years_ago_is_none(api: Api) -> None:
    """So AWS keeps items of a wrong unit from being deleted by mistake."""
    create(api)
    live(api)
    put(api, "too-long-ago", -OLDEST_SECONDS - 10)
    put(api, "long-ago", -OLDEST_SECONDS + 10)
    put(api, "zero", {"N": "0"})
    put(api, "milliseconds", {"N": "1700000000000"})
    put(api, "huge", {"N": "1e125"})
    put(api, "negative", {"N": "-1e125"})
    api.keep()
    assert left(api) == ["huge", "milliseconds", "negative", "too-long-ago", "zero"]


def test_a_changed_time_is_the_one_that_counts(api: Api) -> None:
    create(api)
    live(api)
    put(api, "prolonged", 10)
    put(api, "shortened", 100)
    put(api, "freed", 10)
    put(api, "updated", 10)
    put(api, "prolonged", 100)
    put(api, "shortened", 10)
    put(api, "freed")
    api(
        "UpdateItem",
        TableName="abc",
        Key={"p": {"S": "updated"}, "c": {"N": "1"}},
        UpdateExpression="SET #t = #t + :n",
        ExpressionAttributeNames={"#t": "ttl"},
        ExpressionAttributeValues={":n": {"N": "90"}},
    )
    api.clock.advance(20)
    api.keep()
    assert left(api) == ["freed", "prolonged", "updated"]
    api.clock.advance(90)
    api.keep()
    assert left(api) == ["freed"]


def test_an_item_prolonged_at_the_last_moment_stays(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keeper has read that it is due, and asks again within the write."""
    create(api)
    live(api)
    put(api, "a", 10)
    put(api, "b", 10)
    api.clock.advance(20)
    body = b'{"TableName":"abc","Item":{"p":{"S":"a"},"c":{"N":"1"},"g":{"S":"g"},"ttl":{"N":"9999999999"}}}'
    duty = Expiry(api.store)
    delete = duty._delete

    async def overtaken(table: Table, index: ExpiryIndex, key: Key, now: float) -> bool:
        if key.partition == b"a":
            reply = api.dispatcher.handle(Request("PutItem", body, PRINCIPAL, "id"))
            assert not isinstance(reply, Reply)
            await reply
        return await delete(table, index, key, now)

    monkeypatch.setattr(duty, "_delete", overtaken)
    assert api.run(duty.run_once())
    assert left(api) == ["a"]


def test_time_to_live_of_a_full_table_covers_what_was_there(api: Api) -> None:
    create(api)
    for number in range(20):
        put(api, f"{number:02d}", number)
    live(api)
    api.clock.advance(9.5)
    put(api, "00")  # freed before the keeper came by
    api.keep()
    assert left(api) == ["00"] + [f"{number:02d}" for number in range(10, 20)]


def test_building_the_expiry_index_goes_on_after_a_restart(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "_CHUNK", PageBudget(3, 1 << 20))
    create(api)
    for number in range(10):
        put(api, f"{number:02d}", 10)
    live(api)
    api.run(Backfill(api.store).run_once())
    api.restart()
    api.clock.advance(20)
    api.keep()
    assert left(api) == []


def test_what_is_due_at_once_is_deleted_a_few_items_a_round(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop may be a worker's too: a hundred plans in one round would hold up everybody."""
    create(api)
    live(api)
    api.keep()
    for number in range(100):
        put(api, str(number), -10)
    rounds = api.rounds_of_updates(monkeypatch, Expiry(api.store).run_once())
    assert len(rounds) == 100
    assert max(rounds.count(number) for number in rounds) <= BEGUN_AT_ONCE
    assert left(api) == []


def test_a_switched_off_attribute_expires_nothing(api: Api) -> None:
    create(api)
    live(api)
    put(api, "a", 10, other={"N": str(api.clock.now() + 10)})
    live(api, False)
    api.clock.advance(20)
    api.keep()
    assert left(api) == ["a"]
    live(api, attribute="other")  # another one, over the same items
    api.keep()
    assert left(api) == []


def test_a_run_deletes_a_bounded_number_of_items(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most a chunk of each of the sixteen partitions; then other duties get their turn."""
    monkeypatch.setattr(expiry, "_CHUNK", PageBudget(1, 1 << 20))
    create(api)
    live(api)
    for number in range(40):
        put(api, f"{number:02d}", -1)
    duty = Expiry(api.store)
    assert api.run(duty.run_once())
    remaining = len(left(api))
    assert 24 <= remaining < 40
    for _ in range(40):
        api.run(duty.run_once())
    assert left(api) == []
    assert not api.run(duty.run_once())


def test_a_table_that_goes_meanwhile_is_no_fault(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    create(api)
    live(api)
    put(api, "a", -1)
    duty = Expiry(api.store)
    find = api.store.catalog.find

    async def find_and_lose(account: str, region: str, name: str) -> Table | None:
        table = await find(account, region, name)
        assert table is not None
        gone = replace(table.record, status="DELETING")
        await api.store.catalog.change(account, region, name, lambda old: gone)
        return table

    monkeypatch.setattr(api.store.catalog, "find", find_and_lose)
    assert not api.run(duty.run_once())


def use(api: Api, engine: Engine) -> None:
    api.store = Store(engine, api.clock)
    api.dispatcher = Dispatcher(api.store, SHAPES, lambda request, fault: api.faults.append(fault))


def ready(api: Api) -> None:
    """A table whose time to live is in force."""
    create(api)
    live(api)
    duty = Backfill(api.store)
    while api.run(duty.run_once()):
        pass


@pytest.fixture
def eventual(api: Api) -> Eventual:
    """With a table where index entries come later."""
    engine = Eventual(api.store.engine)
    use(api, engine.as_engine())
    ready(api)
    return engine


def names(api: Api) -> list[str]:
    return sorted(item["p"]["S"] for item in api("Scan", TableName="abc")["Items"])


def expiry_entries(api: Api) -> int:
    table = api.run(api.store.catalog.find(PRINCIPAL.account, PRINCIPAL.region, "abc"))
    return len(api.run(api.store.engine.scan(table.expiry.space, 0, 1, PageBudget(1000, 1 << 20))).rows)


def attempts(duty: Expiry, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Partition keys of the items that the duty tries to delete from now on."""
    tried: list[bytes] = []
    delete = duty._delete

    async def noting(table: Table, index: ExpiryIndex, key: Key, now: float) -> bool:
        tried.append(key.partition)
        return await delete(table, index, key, now)

    monkeypatch.setattr(duty, "_delete", noting)
    return tried


def test_an_entry_whose_deletion_is_on_its_way_is_left_alone(
    api: Api, eventual: Eventual, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(api, "gone", -1)
    api.run(eventual.deliver_all())
    api("DeleteItem", TableName="abc", Key={"p": {"S": "gone"}, "c": {"N": "1"}})
    duty = Expiry(api.store)
    tried = attempts(duty, monkeypatch)
    for _ in range(5):
        api.run(duty.run_once())
        api.clock.advance(LEFT_SECONDS / 10)
    assert tried == [b"gone"]  # once, not each time
    api.run(eventual.deliver_all())
    assert expiry_entries(api) == 0


@pytest.mark.parametrize("again", [None, 1000, -1])
def test_an_entry_that_stays_goes_by_itself_and_overtakes_nothing(
    api: Api, eventual: Eventual, again: int | None
) -> None:
    """Its deletion was lost, which no engine should do. The item may be written again meanwhile, with the same time or
    another."""
    put(api, "gone", -1)
    api.run(eventual.deliver_all())
    api("DeleteItem", TableName="abc", Key={"p": {"S": "gone"}, "c": {"N": "1"}})
    eventual.owed.clear()
    duty = Expiry(api.store)
    api.run(duty.run_once())
    assert expiry_entries(api) == 1
    api.clock.advance(LEFT_SECONDS)
    api.run(duty.run_once())
    if again is not None:
        put(api, "gone", again)
    api.run(eventual.deliver_all())
    assert expiry_entries(api) == (0 if again is None else 1)


def test_entries_that_stay_hold_up_no_others(api: Api, eventual: Eventual, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "_CHUNK", PageBudget(1, 1 << 20))
    for number in range(40):
        put(api, f"gone-{number}", -100)
    api.run(eventual.deliver_all())
    for number in range(40):
        api("DeleteItem", TableName="abc", Key={"p": {"S": f"gone-{number}"}, "c": {"N": "1"}})
    eventual.owed.clear()
    put(api, "due", -1)
    api.run(eventual.deliver_all())
    duty = Expiry(api.store)
    for _ in range(50):
        api.run(duty.run_once())
    assert names(api) == []


def test_an_item_prolonged_is_not_deleted_by_its_old_entry(api: Api, eventual: Eventual) -> None:
    put(api, "a", 10)
    api.run(eventual.deliver_all())
    put(api, "a", 1000)  # on its way
    api.clock.advance(20)
    duty = Expiry(api.store)
    api.run(duty.run_once())
    api.clock.advance(LEFT_SECONDS)
    api.run(duty.run_once())
    assert names(api) == ["a"]
    api.run(eventual.deliver_all())
    assert expiry_entries(api) == 1
    api.clock.advance(1000)
    api.run(duty.run_once())
    assert names(api) == []


def test_an_item_in_a_transaction_is_deleted_later(api: Api) -> None:
    engine = Held(api.store.engine)
    use(api, engine.as_engine())
    ready(api)
    put(api, "a", -1)
    put(api, "b", -1)
    table = api.run(api.store.catalog.find(PRINCIPAL.account, PRINCIPAL.region, "abc"))
    engine.hold(table.primary.key({"p": {"S": "a"}, "c": {"N": "1"}}), times=3)
    duty = Expiry(api.store)
    api.run(duty.run_once())
    assert names(api) == ["a"]
    api.clock.advance(LEFT_SECONDS)  # held still, and its entry is not taken away either
    api.run(duty.run_once())
    assert expiry_entries(api) == 1
    api.clock.advance(LEFT_SECONDS)
    api.run(duty.run_once())
    api.clock.advance(LEFT_SECONDS)
    api.run(duty.run_once())
    assert names(api) == []
