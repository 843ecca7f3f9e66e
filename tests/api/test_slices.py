"""Long reads: cut into slices, fair between connections, and the same answers as in one go."""

import asyncio
import inspect
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from tests.in_process import PRINCIPAL, Api

from statordb.api.answers import spliced
from statordb.api.dispatch import LIGHT_BYTES_MAX
from statordb.commands.turns import Turn, Turns
from statordb.engine.contract import Key, Refused
from statordb.model.budget import Heavy
from statordb.model.pending import Pending
from statordb.model.request import Reply, Request
from statordb.store import codec
from statordb.store.parts import Parts
from statordb.store.table import LOOKS, MOVED, Table

TABLE: dict[str, Any] = {
    "TableName": "many",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "p", "AttributeType": "S"},
        {"AttributeName": "c", "AttributeType": "N"},
        {"AttributeName": "l", "AttributeType": "S"},
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "local",
            "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
QUERY: dict[str, Any] = {
    "TableName": "many",
    "KeyConditionExpression": "p = :p",
    "ExpressionAttributeValues": {":p": {"S": "a"}},
}


def item(number: int, size: int = 100) -> dict[str, Any]:
    return {
        "p": {"S": "a"},
        "c": {"N": str(number)},
        "l": {"S": f"{number:03}"},
        "even": {"BOOL": number % 2 == 0},
        "v": {"S": "x" * size},
    }


def fill(api: Api, count: int, size: int = 100) -> None:
    api("CreateTable", **TABLE)
    for number in range(count):
        api("PutItem", TableName="many", Item=item(number, size))


class Hasty:
    """A clock by which every look is a slice later."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def sliced(api: Api) -> Api:
    """Every slice is over after its first few rows."""
    dispatcher = api.dispatcher
    turns = dispatcher._turns = Turns(Hasty())
    dispatcher._parts = tuple(turns if isinstance(part, Turns) else part for part in dispatcher._parts)  # type: ignore[assignment]
    return api


@pytest.mark.parametrize("count", [0, 1, 60])
def test_slices_change_no_answer(api: Api, sliced: Api, count: int) -> None:
    fill(sliced, count)
    filtered = {"FilterExpression": "even = :t", "ProjectionExpression": "c"}
    values = {":p": {"S": "a"}, ":t": {"BOOL": True}}
    evens = [{"c": {"N": str(number)}} for number in range(0, count, 2)]
    answer = sliced("Query", **{**QUERY, **filtered, "ExpressionAttributeValues": values})
    assert answer == {"Items": evens, "Count": len(evens), "ScannedCount": count}
    answer = sliced("Query", **QUERY, Select="COUNT")
    assert answer == {"Count": count, "ScannedCount": count}
    answer = sliced("Query", **QUERY, IndexName="local", Select="ALL_ATTRIBUTES")
    assert answer["Items"] == [item(number) for number in range(count)]
    if count:
        keys = [{"p": {"S": "a"}, "c": {"N": str(number)}} for number in range(count)]
        answer = sliced("BatchGetItem", RequestItems={"many": {"Keys": keys}})
        assert answer["Responses"]["many"] == [item(number) for number in range(count)]
        gets = [{"Get": {"TableName": "many", "Key": key, "ProjectionExpression": "c"}} for key in keys]
        answer = sliced("TransactGetItems", TransactItems=gets)
        assert answer["Responses"] == [{"Item": {"c": key["c"]}} for key in keys]


def test_large_answers_are_put_together_whole(sliced: Api) -> None:
    """Piece by piece, with others between."""
    fill(sliced, 12, 300_000)
    keys = [{"p": {"S": "a"}, "c": {"N": str(number)}} for number in range(12)]
    answer = sliced("BatchGetItem", RequestItems={"many": {"Keys": keys}})
    assert answer["Responses"]["many"] == [item(number, 300_000) for number in range(12)]


@pytest.mark.parametrize(("size", "most"), [(100, 8), (300_000, 1)])
def test_large_items_are_read_one_at_a_time(api: Api, monkeypatch: pytest.MonkeyPatch, size: int, most: int) -> None:
    """Each is copied several times on its way out; several in one go would hold the loop for long."""
    fill(api, 20 if most > 1 else 4, size)
    here = api.store.engine.here
    assert here is not None
    bodies = here.bodies
    counts: list[int] = []

    def counted(keys: Sequence[Key]) -> list[bytes | None]:
        counts.append(len(keys))
        return bodies(keys)

    monkeypatch.setattr(here, "bodies", counted)
    keys = [{"p": {"S": "a"}, "c": {"N": str(number)}} for number in range(20)]
    api("BatchGetItem", RequestItems={"many": {"Keys": keys}})
    assert max(counts) == most if most > 1 else counts[:4] == [1] * 4
    counts.clear()
    api("Query", **QUERY, IndexName="local", Select="ALL_ATTRIBUTES")
    assert max(counts) == most


def test_parts_of_a_large_answer_are_let_go_of_one_by_one() -> None:
    """Freeing ten megabytes at the end would be a slice of its own."""
    left: list[int] = []
    parts = [b"x" * 300_000 for _ in range(8)]

    class Counting(Turn):
        def due(self, size: int = 0) -> bool:
            left.append(len(parts))
            return False

    body = asyncio.run(spliced(parts, b"]", {}, Counting(Turns())))
    assert len(body) == 8 * 300_000 + 2
    assert left[:8] == [8, 7, 6, 5, 4, 3, 2, 1]


def test_counting_ends_where_reading_does(api: Api) -> None:
    """At one megabyte, or the limit, and charged alike; though nothing is read but the sizes."""
    fill(api, 12, 200_000)
    for more in ({}, {"Limit": 3}, {"Limit": 6}, {"ScanIndexForward": False}, {"IndexName": "local"}):
        cursor: dict[str, Any] = {}
        while True:
            request = {**QUERY, **more, **cursor, "ReturnConsumedCapacity": "INDEXES"}
            whole, counted = api("Query", **request), api("Query", **request, Select="COUNT")
            del whole["Items"]
            assert counted == whole
            if "LastEvaluatedKey" not in whole:
                break
            cursor = {"ExclusiveStartKey": whole["LastEvaluatedKey"]}


def test_counting_copies_nothing_but_sizes(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(api, 12, 1_000)
    heads: list[int | None] = []
    for name in ("range", "scan"):
        read = getattr(Table, name)

        def noted(*arguments: Any, read: Any = read, **more: Any) -> Any:
            heads.append(inspect.signature(read).bind(*arguments, **more).arguments.get("head"))
            return read(*arguments, **more)

        monkeypatch.setattr(Table, name, noted)
    assert (
        api("Query", **QUERY, Select="COUNT")["Count"] == api("Scan", TableName="many", Select="COUNT")["Count"] == 12
    )
    assert heads == [codec.HEADER_BYTES] * 2


def test_a_write_that_always_comes_too_late_is_throttled(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of an index that is being built are looked up before a write, which begins again where they have become
    others meanwhile: not for ever."""
    fill(api, 1, 10)
    tries = 0

    async def update(*_: Any) -> Refused:
        nonlocal tries
        tries += 1
        return Refused(MOVED)

    monkeypatch.setattr(api.store.engine, "update", update)
    refused = api.refused("UpdateItem", TableName="many", Key={"p": {"S": "p"}, "c": {"N": "0"}})
    assert (refused.code, tries) == ("ThrottlingException", len(LOOKS))


def test_fetched_items_end_a_page_early(api: Api) -> None:
    """Index entries are small: those of a page could name gigabytes."""
    fill(api, 12, 300_000)
    found: list[Any] = []
    pages = 0
    cursor: dict[str, Any] = {}
    while True:
        answer = api("Query", **QUERY, IndexName="local", Select="ALL_ATTRIBUTES", **cursor)
        pages += 1
        found += answer["Items"]
        assert answer["Count"] == answer["ScannedCount"] == len(answer["Items"]) <= 7
        if "LastEvaluatedKey" not in answer:
            break
        cursor = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert found == [item(number, 300_000) for number in range(12)]
    assert pages >= 3


@pytest.mark.parametrize("change", ["moved", "deleted", "taken out"])
def test_an_item_that_leaves_the_index_while_it_is_fetched_is_not_returned(
    api: Api, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """The index is read before the table: the item may be another one by then, even for a consistent read."""
    fill(api, 3)
    new = item(1)
    if change == "moved":
        new["l"] = {"S": "900"}
    elif change == "taken out":
        del new["l"]

    async def later(parts: Parts) -> list[bytes | None]:
        monkeypatch.undo()
        if change == "deleted":
            request = Request(
                "DeleteItem",
                orjson.dumps({"TableName": "many", "Key": {"p": new["p"], "c": new["c"]}}),
                PRINCIPAL,
                "id",
            )
        else:
            request = Request("PutItem", orjson.dumps({"TableName": "many", "Item": new}), PRINCIPAL, "id")
        reply = await api.dispatcher.handle(request)  # type: ignore[misc]
        assert reply.status == 200
        return await parts.next()

    monkeypatch.setattr(Parts, "next", later)
    request = {**QUERY, "KeyConditionExpression": "p = :p AND l < :l", "IndexName": "local"}
    values = {":p": {"S": "a"}, ":l": {"S": "500"}}
    answer = api(
        "Query", **{**request, "ExpressionAttributeValues": values}, Select="ALL_ATTRIBUTES", ConsistentRead=True
    )
    assert answer["Items"] == [item(0), item(2)]
    assert answer["ScannedCount"] == 3


def test_scans_that_one_connection_pipelines_hold_up_nobody(sliced: Api) -> None:
    """Another one's page comes after its own slices, each behind one of the others: not after all that came before."""
    fill(sliced, 40)
    body = orjson.dumps(
        {"TableName": "many", "FilterExpression": "even = :t", "ExpressionAttributeValues": {":t": {"BOOL": True}}}
    )
    done: list[str] = []

    async def play() -> None:
        replies: list[Any] = []
        for source in [*["greedy"] * 64, "modest"]:
            reply = sliced.dispatcher.handle(Request("Scan", body, PRINCIPAL, "id", source))
            if isinstance(reply, Reply):
                done.append(source)
            else:
                reply.add_done_callback(lambda _, source=source: done.append(source))  # type: ignore[misc]
                replies.append(reply)
        while not all(reply.done() for reply in replies):
            await asyncio.sleep(0)

    sliced.run(play())
    assert done.index("modest") <= 2
    assert len(done) == 65


@pytest.mark.stands("the item is put without a lane")
def test_a_stored_item_that_takes_long_to_parse_goes_to_the_lane(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is it is answered here: nothing of it is looked at."""
    api("CreateTable", **TABLE)
    dense = {**item(1), "v": {"L": [{"N": "7"}] * 20_000}}
    api("PutItem", TableName="many", Item=dense)
    passed: list[Request] = []

    class FakeLane:
        def submit(self, request: Request) -> Any:
            passed.append(request)
            return Reply(200, b"{}")

    dispatcher = type(api.dispatcher)(api.store, _Unchecked(), lambda *_: None, lane=FakeLane())  # type: ignore[arg-type]
    key = {"p": dense["p"], "c": dense["c"]}
    requests = [
        ("GetItem", {"Key": key, "ReturnConsumedCapacity": "TOTAL"}, False),
        ("GetItem", {"Key": key, "ProjectionExpression": "v[3]"}, True),
        ("Scan", {"FilterExpression": "attribute_exists(v)"}, True),
        ("Query", {**QUERY, "IndexName": "local", "ProjectionExpression": "v[3]"}, True),
    ]

    async def ask(operation: str, more: Any) -> Any:
        reply: Any = dispatcher.handle(Request(operation, orjson.dumps({"TableName": "many", **more}), PRINCIPAL, "id"))
        return reply if isinstance(reply, Reply) else await reply

    for operation, more, is_heavy in requests:
        passed.clear()
        assert api.run(ask(operation, more)).status == 200
        assert bool(passed) is is_heavy, operation


STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def deletes(count: int) -> list[dict[str, Any]]:
    return [{"DeleteRequest": {"Key": {"p": {"S": "a"}, "c": {"N": str(number)}}}} for number in range(count)]


class FakeLane:
    """Keeps the requests that it is given."""

    def __init__(self) -> None:
        self.passed: list[Request] = []

    def submit(self, request: Request) -> Any:
        self.passed.append(request)
        return Reply(200, b"{}")


def passed_on(api: Api, operation: str, **request: Any) -> bool:
    """Whether a request goes to a lane, where there is one."""
    lane = FakeLane()
    dispatcher = type(api.dispatcher)(api.store, _Unchecked(), lambda *_: None, lane=lane)  # type: ignore[arg-type]

    async def ask() -> Any:
        reply: Any = dispatcher.handle(Request(operation, orjson.dumps(request), PRINCIPAL, "id"))
        return reply if isinstance(reply, Reply) else await reply

    assert api.run(ask()).status == 200
    return bool(lane.passed)


@pytest.mark.stands("the item is put without a lane")
def test_a_batch_over_an_item_that_takes_long_to_parse_goes_to_the_lane(api: Api) -> None:
    """It is small itself. Nothing of it has been written then: a lane begins anew."""
    api("CreateTable", **TABLE, StreamSpecification=STREAM)
    api("PutItem", TableName="many", Item=item(0))
    api("PutItem", TableName="many", Item={**item(1), "v": {"L": [{"N": "7"}] * 20_000}})
    assert passed_on(api, "BatchWriteItem", RequestItems={"many": deletes(2)})
    assert api("Scan", TableName="many", Select="COUNT")["Count"] == 2
    api("BatchWriteItem", RequestItems={"many": deletes(2)})
    assert api("Scan", TableName="many", Select="COUNT")["Count"] == 0


@pytest.mark.parametrize(("members", "is_heavy"), [(10, False), (1000, True)])
def test_a_transaction_over_many_items_goes_to_the_lane_if_they_take_long_together(
    api: Api, members: int, is_heavy: bool
) -> None:
    """None of them does by itself, but they are planned in one go."""
    api("CreateTable", **TABLE, StreamSpecification=STREAM)
    for number in range(20):
        api("PutItem", TableName="many", Item={**item(number), "v": {"L": [{"N": "7"}] * members}})
    actions = [{"Delete": {"TableName": "many", **each["DeleteRequest"]}} for each in deletes(20)]
    assert passed_on(api, "TransactWriteItems", TransactItems=actions) is is_heavy


def many_indexes(count: int) -> dict[str, Any]:
    names = [f"index{number}" for number in range(count)]
    plain = {name: value for name, value in TABLE.items() if name != "LocalSecondaryIndexes"}
    plain["AttributeDefinitions"] = TABLE["AttributeDefinitions"][:2]
    if not count:
        return plain
    return plain | {
        "AttributeDefinitions": plain["AttributeDefinitions"]
        + [{"AttributeName": name, "AttributeType": "S"} for name in names],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": name,
                "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
            for name in names
        ],
    }


@pytest.mark.parametrize(("indexes", "parts", "is_heavy"), [(0, 100, False), (5, 10, False), (5, 25, True)])
def test_a_transaction_that_writes_many_rows_goes_to_the_lane(
    api: Api, indexes: int, parts: int, is_heavy: bool
) -> None:
    """Each index has a row of each item, so that a request of a few bytes is a long plan."""
    api("CreateTable", **many_indexes(indexes))
    puts = [{"Put": {"TableName": "many", "Item": item(number, 10)}} for number in range(parts)]
    assert passed_on(api, "TransactWriteItems", TransactItems=puts) is is_heavy


def test_a_batch_that_writes_many_rows_is_planned_a_little_at_a_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api("CreateTable", **many_indexes(5))  # eleven rows a write: each index's entry before and after

    async def ask() -> None:
        body = orjson.dumps({"RequestItems": {"many": deletes(12)}})
        assert (await api.dispatcher.handle(Request("BatchWriteItem", body, PRINCIPAL, "id"))).status == 200  # type: ignore[misc]

    rounds = api.rounds_of_updates(monkeypatch, ask())
    assert sorted(rounds.count(number) for number in set(rounds)) == [2, 5, 5]


def test_what_is_not_small_waits_behind_what_was_long(api: Api) -> None:
    """It may take some milliseconds, which nobody can tell before; small requests wait for none of them."""
    api("CreateTable", **TABLE)
    api("PutItem", TableName="many", Item=item(1))
    dispatcher = api.dispatcher
    get = orjson.dumps({"TableName": "many", "Key": {"p": {"S": "a"}, "c": {"N": "1"}}})
    spaced = get + b" " * LIGHT_BYTES_MAX
    broken = spaced[1:]

    def ask(body: bytes) -> Any:
        return dispatcher.handle(Request("GetItem", body, PRINCIPAL, "id"))

    async def play() -> None:
        assert ask(spaced).status == 200  # there is nobody to wait for
        dispatcher._turns.take()
        late, refused = ask(spaced), ask(broken)
        assert isinstance(late, Pending)
        assert ask(get).status == 200
        assert (await late).body == ask(get).body
        assert (await refused).error == "SerializationException"

    api.run(play())


@pytest.mark.parametrize(("derived", "size", "at_once"), [(True, 50_000, 1), (True, 100, 12), (False, 50_000, 12)])
def test_what_a_batch_looks_into_is_planned_a_little_at_a_time(
    api: Api, monkeypatch: pytest.MonkeyPatch, derived: bool, size: int, at_once: int
) -> None:
    """Each plan parses the item that stands there, where something is derived from it."""
    plain = {name: value for name, value in TABLE.items() if name != "LocalSecondaryIndexes"}
    plain["AttributeDefinitions"] = TABLE["AttributeDefinitions"][:2]
    api("CreateTable", **(TABLE if derived else plain))
    for number in range(12):
        api("PutItem", TableName="many", Item=item(number, size))

    async def ask() -> None:
        body = orjson.dumps({"RequestItems": {"many": deletes(12)}})
        assert (await api.dispatcher.handle(Request("BatchWriteItem", body, PRINCIPAL, "id"))).status == 200  # type: ignore[misc]

    rounds = api.rounds_of_updates(monkeypatch, ask())
    assert len(rounds) == 12
    assert max(rounds.count(number) for number in rounds) == at_once
    assert api("Scan", TableName="many", Select="COUNT")["Count"] == 0


class _Unchecked:
    def check(self, operation: str, document: Any) -> Any:
        return document


def test_heavy_is_no_error_of_its_own() -> None:
    """What catches client errors, or faults, must not catch it by chance before the dispatcher does."""
    assert Heavy.__bases__ == (Exception,)
