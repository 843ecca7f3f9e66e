"""What `statordb verify` finds: rows that were put back, taken out, moved or torn in the files, and nothing else."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.api.kms_calls import kms, new_key
from tests.engine.sealed import open_lmdb, seal
from tests.in_process import PRINCIPAL, SHAPES, Api
from tests.store.engines import Eventual

from statordb.api.dispatch import Dispatcher
from statordb.engine.contract import Effects, Key, PageBudget
from statordb.keeper.keeper import Keeper
from statordb.model.request import Request
from statordb.model.values import Item
from statordb.store.keyspace import Space
from statordb.store.records import TableRecord
from statordb.store.sealed.engine import SealedEngine
from statordb.store.store import Store
from statordb.store.verifying import findings, indexes, logs
from statordb.store.verifying.findings import Fault, Finding, Summary
from statordb.store.verifying.verifier import Verifier

AMPLE = PageBudget(10, 1 << 20)
NAMES = ("pk", "sk", "gk", "lk")
BARE: dict[str, Any] = {
    "TableName": "tab",
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in NAMES[:2]],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "BillingMode": "PAY_PER_REQUEST",
}
GLOBAL = {
    "IndexName": "global",
    "KeySchema": [{"AttributeName": "gk", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
LOCAL = {
    "IndexName": "local",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "lk", "KeyType": "RANGE"}],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}
INDEXED = {
    **BARE,
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in NAMES],
    "GlobalSecondaryIndexes": [GLOBAL],
    "LocalSecondaryIndexes": [LOCAL],
}
STREAMED = {**BARE, "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}}


@pytest.fixture
def api(directory: Path) -> Iterator[Api]:
    made = Api(directory)
    yield made
    made.close()


def item(number: int, text: str = "first") -> Item:
    return {
        "pk": {"S": f"p{number}"},
        "sk": {"S": "s"},
        "gk": {"S": f"g{number}"},
        "lk": {"S": f"l{number}"},
        "v": {"S": text},
        "ttl": {"N": "4102444800"},
    }


def key(number: int) -> Item:
    return {name: item(number)[name] for name in ("pk", "sk")}


def put(api: Api, number: int, text: str = "first") -> None:
    api("PutItem", TableName="tab", Item=item(number, text))


class Files:
    """The rows of the table as they lie in the files, for who may write there."""

    def __init__(self, api: Api) -> None:
        self.api = api
        engine = api.store.engine
        assert isinstance(engine, SealedEngine)
        self.engine = engine
        (self.record,) = api.run(api.store.catalog.all())
        assert isinstance(self.record, TableRecord)

    def place(self, number: int) -> Key:
        return self.engine.ring.places.key(Key(self.record.space, f"p{number}".encode(), b"s"))

    def kept(self, place: Key) -> bytes | None:
        row = self.api.run(self.engine.under.get(place))
        return None if row is None else row.body

    def put(self, place: Key, body: bytes | None) -> None:
        self.api.run(self.engine.under.update((place,), lambda stored: Effects(writes=((place, body),))))


async def at_once(seconds: float) -> None:
    """A pause in which nothing happens."""


def verified(
    api: Api, pause: Callable[[float], Awaitable[None]] = at_once
) -> tuple[set[tuple[Fault, str | None]], Summary]:
    found: list[Finding] = []
    summary = api.run(Verifier(api.store, found.append, pause).run())
    assert len(found) == summary.findings
    return {(each.fault, each.within) for each in found}, summary


def faults(api: Api) -> set[tuple[Fault, str | None]]:
    return verified(api)[0]


def test_nothing_is_wrong_with_a_store_that_was_only_written_by_servers(api: Api) -> None:
    """With every kind of index and a log, over updates, deletions, transactions and a restart."""
    api("CreateTable", **{**STREAMED, **INDEXED})
    api("UpdateTimeToLive", TableName="tab", TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": True})
    api.keep()
    for number in range(120):
        put(api, number)
    for number in range(0, 60, 2):
        put(api, number, "second")
        api("DeleteItem", TableName="tab", Key=key(number + 1))
    api("TransactWriteItems", TransactItems=[{"Put": {"TableName": "tab", "Item": item(1000)}}])
    api.restart()
    found, summary = verified(api)
    assert not found
    assert summary.rows >= 91
    assert summary.entries == 3 * 91
    assert summary.changes == 181
    assert not summary.left_out
    assert not summary.uncounted


def test_an_item_that_was_put_back_in_a_table_with_an_index_is_found(api: Api) -> None:
    api("CreateTable", **INDEXED)
    put(api, 1)
    files = Files(api)
    before = files.kept(files.place(1))
    put(api, 1, "other")  # of the same size: the totals tell nothing
    files.put(files.place(1), before)
    assert api("GetItem", TableName="tab", Key=key(1))["Item"]["v"] == {"S": "first"}, "what no read can know"
    assert faults(api) == {(Fault.ENTRY, "global")}


def test_an_item_that_was_put_back_in_a_table_with_a_stream_is_found(api: Api) -> None:
    api("CreateTable", **STREAMED)
    put(api, 1)
    files = Files(api)
    before = files.kept(files.place(1))
    put(api, 1, "other")
    files.put(files.place(1), before)
    assert faults(api) == {(Fault.LOG, None)}


def test_another_size_is_found_by_the_totals(api: Api) -> None:
    api("CreateTable", **BARE)
    put(api, 1)
    files = Files(api)
    before = files.kept(files.place(1))
    put(api, 1, "longer than the first")
    files.put(files.place(1), before)
    assert faults(api) == {(Fault.TOTALS, None)}


def test_the_same_size_without_an_index_or_a_stream_is_not_found(api: Api) -> None:
    """The gap that docs/security.md tells of."""
    api("CreateTable", **BARE)
    put(api, 1)
    files = Files(api)
    before = files.kept(files.place(1))
    put(api, 1, "other")
    files.put(files.place(1), before)
    assert faults(api) == set()


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        (INDEXED, {(Fault.ENTRY, "global"), (Fault.ENTRY, "local"), (Fault.TOTALS, None)}),
        (STREAMED, {(Fault.LOG, None), (Fault.TOTALS, None)}),
    ],
)
def test_an_item_that_was_taken_out_or_came_back_is_found(
    api: Api, table: dict[str, Any], wanted: set[tuple[Fault, str | None]]
) -> None:
    api("CreateTable", **table)
    put(api, 1)
    put(api, 2)
    files = Files(api)
    before = files.kept(files.place(1))
    files.put(files.place(1), None)
    assert faults(api) == wanted
    files.put(files.place(1), before)
    assert faults(api) == set()
    api("DeleteItem", TableName="tab", Key=key(1))
    files.put(files.place(1), before)
    assert faults(api) == wanted


def test_index_entries_that_were_put_back_or_taken_out_are_found(api: Api) -> None:
    api("CreateTable", **INDEXED)
    put(api, 1)
    files = Files(api)
    space = next(index.space for index in files.record.indexes if index.name == "global")
    page = api.run(files.engine.under.scan(space, 0, 1, AMPLE))
    place = Key(space, *page.place(0))
    before = files.kept(place)
    put(api, 1, "other")
    after = files.kept(place)
    files.put(place, before)
    assert faults(api) == {(Fault.ENTRY, "global")}
    files.put(place, None)
    assert (Fault.ENTRY, "global") in faults(api)
    files.put(place, after)
    assert faults(api) == set()


def test_what_is_torn_or_swapped_is_told_row_by_row_and_hides_nothing_else(api: Api) -> None:
    api("CreateTable", **INDEXED)
    for number in range(5):
        put(api, number)
    files = Files(api)
    one, two = files.place(1), files.place(2)
    first, second = files.kept(one), files.kept(two)
    assert first is not None
    files.put(one, second)
    files.put(two, first)
    files.put(files.place(3), first[:-1] + bytes((first[-1] ^ 1,)))
    files.put(files.place(4), None)
    found: list[Finding] = []
    api.run(Verifier(api.store, found.append, at_once).run())
    assert [each.fault for each in found].count(Fault.DAMAGED) == 3
    assert {each.key["pk"]["S"] for each in found if each.key is not None} == {"p4"}
    assert {each.fault for each in found} == {Fault.DAMAGED, Fault.ENTRY}


def test_rows_of_the_stores_own_are_looked_at(api: Api) -> None:
    api("CreateTable", **BARE)
    api("TransactWriteItems", ClientRequestToken="t", TransactItems=[{"Put": {"TableName": "tab", "Item": item(1)}}])
    files = Files(api)
    page = api.run(files.engine.under.scan(Space.TOKENS, 0, 1, AMPLE))
    place = Key(Space.TOKENS, *page.place(0))
    files.put(place, (files.kept(place) or b"")[:-1] + b"x")
    found: list[Finding] = []
    api.run(Verifier(api.store, found.append, at_once).run())
    assert [(each.fault, each.of) for each in found] == [(Fault.DAMAGED, "the store's own rows, tokens")]


def test_a_table_with_many_faults_is_left_when_that_is_clear(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "FINDINGS_MAX", 3)
    api("CreateTable", **INDEXED)
    for number in range(5):
        put(api, number)
    files = Files(api)
    for number in range(5):
        files.put(files.place(number), None)
    found, summary = verified(api)
    assert {fault for fault, _ in found} == {Fault.ENTRY}
    assert summary.findings == 3
    assert [table for table, _ in summary.left_out] == ["000000000000/us-east-1/tab"]


def test_a_stream_that_was_off_for_a_while_accuses_nobody(api: Api) -> None:
    """What was written meanwhile is in no log, and an older record of it no proof."""
    api("CreateTable", **STREAMED)
    put(api, 1)
    api("UpdateTable", TableName="tab", StreamSpecification={"StreamEnabled": False})
    api.keep()
    put(api, 1, "other")
    on = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    api("UpdateTable", TableName="tab", StreamSpecification=on)
    api.keep()
    put(api, 2)
    assert faults(api) == set()


def test_records_without_images_tell_whether_there_is_an_item(api: Api) -> None:
    api("CreateTable", **{**BARE, "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}})
    put(api, 1)
    put(api, 2)
    files = Files(api)
    files.put(files.place(1), None)
    assert (Fault.LOG, None) in faults(api)


def test_an_item_that_is_equal_and_written_otherwise_is_none_that_was_put_back(api: Api) -> None:
    """No change is told of it, since sets have no order."""
    api("CreateTable", **STREAMED)
    api("PutItem", TableName="tab", Item={**key(1), "set": {"SS": ["a", "b"]}})
    api("PutItem", TableName="tab", Item={"set": {"SS": ["b", "a"]}, **key(1)})
    assert faults(api) == set()


def test_a_table_whose_key_is_disabled_is_left_out(api: Api) -> None:
    arn = new_key(api)
    api("CreateTable", **BARE, SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": arn})
    put(api, 1)
    kms(api, "DisableKey", KeyId=arn)
    found, summary = verified(api)
    assert not found
    assert summary.left_out == [("000000000000/us-east-1/tab", "its key can't be used")]


def test_what_is_written_meanwhile_is_nobodys_fault(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look finds an item changed that was read before: it is looked at again, and nothing is wrong."""
    monkeypatch.setattr(logs, "TOGETHER", 1)
    api("CreateTable", **{**STREAMED, **INDEXED})
    for number in range(8):
        put(api, number)
    read, turn = api.store.engine.read, 0

    async def read_late(keys: Any, *arguments: Any, **named: Any) -> Any:
        nonlocal turn
        found = await read(keys, *arguments, **named)
        turn += 1
        if turn < 40:
            reply = api.dispatcher.handle(request(item(turn % 8, f"turn {turn}")))
            await reply  # type: ignore[misc]
        return found

    monkeypatch.setattr(api.store.engine, "read", read_late)
    assert faults(api) == set()
    assert turn > 10


def request(written: Item) -> Any:
    return Request("PutItem", orjson.dumps({"TableName": "tab", "Item": written}), PRINCIPAL, "id")


class Cluster(Api):
    """Index entries come later than items, as on a cluster."""

    def open(self) -> None:
        self.eventual = Eventual(open_lmdb(self.directory, self.random))
        engine = self.run(seal(self.eventual.as_engine(), self.directory, self.random))
        self.store = Store(engine, self.clock)
        self.dispatcher = Dispatcher(self.store, SHAPES, lambda request, fault: self.faults.append(fault))
        self.keeper = Keeper(self.store, lambda duty, fault: self.faults.append(fault))


def test_entries_have_time_to_come_where_they_come_later(directory: Path) -> None:
    api = Cluster(directory)
    api("CreateTable", **INDEXED)
    put(api, 1)
    assert faults(api) == {(Fault.ENTRY, "global"), (Fault.TOTALS, "global")}
    pauses = 0

    async def pause(seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        if pauses == len(indexes.PAUSES) - 1:
            await api.eventual.deliver_all()

    assert verified(api, pause)[0] == set()
    api.close()
