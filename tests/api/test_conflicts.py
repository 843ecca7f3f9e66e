"""What clients are told while transactions over their items go on elsewhere, and of engines that fail."""

from typing import Any

import pytest
from tests.in_process import PRINCIPAL, SHAPES, Api
from tests.store.engines import Held

from statordb.api.dispatch import Dispatcher
from statordb.engine.contract import Key, OutcomeUnknown
from statordb.store.keyspace import Space
from statordb.store.store import Store

ONGOING = "Transaction is ongoing for the item"
CONFLICTED = {"Code": "TransactionConflict", "Message": ONGOING}
SUCCEEDED = {"Code": "None"}


def key(text: str) -> dict[str, Any]:
    return {"p": {"S": text}}


def create(api: Api, name: str, **more: Any) -> None:
    api(
        "CreateTable",
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )


@pytest.fixture
def held(api: Api) -> Held:
    """The engine behind the API, with tables abc and abd of key p (S), and items a, b and c in each."""
    engine = Held(api.store.engine)
    api.store = Store(engine.as_engine(), api.clock)
    api.dispatcher = Dispatcher(api.store, SHAPES, lambda request, fault: api.faults.append(fault))
    for name in ("abc", "abd"):
        create(api, name)
        for text in "abc":
            api("PutItem", TableName=name, Item=key(text))
    return engine


def hold(api: Api, held: Held, *texts: str, table: str = "abc") -> None:
    found = api.run(api.store.catalog.find(PRINCIPAL.account, PRINCIPAL.region, table))
    held.hold(*(found.primary.key(key(text)) for text in texts))


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("PutItem", {"Item": key("a")}),
        ("DeleteItem", {"Key": key("a")}),
        ("UpdateItem", {"Key": key("a"), "AttributeUpdates": {"x": {"Value": {"S": "x"}}}}),
    ],
)
def test_a_write_of_an_item_in_a_transaction_is_refused(
    api: Api, held: Held, operation: str, request_: dict[str, Any]
) -> None:
    hold(api, held, "a")
    fault = api.refused(operation, TableName="abc", **request_)
    assert fault.body == {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
        "message": ONGOING,
    }
    held.held.clear()
    api(operation, TableName="abc", **request_)


def test_reads_take_no_notice(api: Api, held: Held) -> None:
    hold(api, held, "a", "b", "c")
    assert api("GetItem", TableName="abc", Key=key("a"), ConsistentRead=True)["Item"] == key("a")
    keys = {"Keys": [key("a"), key("b")], "ConsistentRead": True}
    assert len(api("BatchGetItem", RequestItems={"abc": keys})["Responses"]["abc"]) == 2
    assert api("Scan", TableName="abc")["Count"] == 3


def test_a_batch_gives_back_what_transactions_hold(api: Api, held: Held) -> None:
    hold(api, held, "b", "n")
    hold(api, held, "c", table="abd")
    put, delete = {"PutRequest": {"Item": key("n")}}, {"DeleteRequest": {"Key": key("b")}}
    other = {"PutRequest": {"Item": {**key("c"), "x": {"N": "1"}}}}
    answer = api(
        "BatchWriteItem",
        RequestItems={
            "abc": [{"DeleteRequest": {"Key": key("a")}}, put, delete, {"PutRequest": {"Item": key("m")}}],
            "abd": [other, {"DeleteRequest": {"Key": key("a")}}],
        },
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["UnprocessedItems"] == {"abc": [put, delete], "abd": [other]}
    assert answer["ConsumedCapacity"] == [
        {"TableName": "abc", "CapacityUnits": 2.0},
        {"TableName": "abd", "CapacityUnits": 1.0},
    ]
    assert sorted(item["p"]["S"] for item in api("Scan", TableName="abc")["Items"]) == ["b", "c", "m"]
    held.held.clear()
    assert api("BatchWriteItem", RequestItems=answer["UnprocessedItems"])["UnprocessedItems"] == {}


def canceled(reasons: list[dict[str, Any]]) -> dict[str, Any]:
    codes = ", ".join(reason["Code"] for reason in reasons)
    return {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        "CancellationReasons": reasons,
    }


def test_a_write_transaction_is_canceled_by_what_others_hold(api: Api, held: Held) -> None:
    hold(api, held, "b")
    puts = [{"Put": {"TableName": "abc", "Item": {**key(text), "x": {"N": "1"}}}} for text in "abc"]
    fault = api.refused("TransactWriteItems", TransactItems=puts)
    assert fault.body == canceled([SUCCEEDED, CONFLICTED, SUCCEEDED])
    assert api("GetItem", TableName="abc", Key=key("a"))["Item"] == key("a")


def test_a_read_transaction_is_canceled_by_what_writers_hold(api: Api, held: Held) -> None:
    hold(api, held, "a", "c")
    gets = [{"Get": {"TableName": "abc", "Key": key(text)}} for text in "abc"]
    fault = api.refused("TransactGetItems", TransactItems=gets)
    assert fault.body == canceled([CONFLICTED, SUCCEEDED, CONFLICTED])


def test_a_request_that_is_sent_again_while_it_is_done_is_told_so(api: Api, held: Held) -> None:
    token = f"{PRINCIPAL.account}/{PRINCIPAL.region}/t".encode()
    held.hold(Key(Space.TOKENS, token, b""))
    put = {"Put": {"TableName": "abc", "Item": key("a")}}
    fault = api.refused("TransactWriteItems", TransactItems=[put], ClientRequestToken="t")
    assert fault.body == {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionInProgressException",
        "Message": "The transaction with the given request token is already in progress.",
    }


def test_who_changes_a_table_that_is_held_for_long_is_throttled(api: Api, held: Held) -> None:
    """No client could make anything of a conflict there; nothing was written, and SDKs try again."""
    catalog = Key(Space.CATALOG, f"tables/{PRINCIPAL.account}/{PRINCIPAL.region}".encode(), b"new")
    held.hold(catalog)
    reply = api.reply(
        "CreateTable",
        b'{"TableName":"new","KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],"BillingMode":"PAY_PER_REQUEST",'
        b'"AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}]}',
    )
    assert (reply.status, reply.error) == (400, "ThrottlingException")


def test_an_unknown_outcome_is_an_internal_fault(api: Api, held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a success, never a refusal."""

    async def lost(*_: Any) -> Any:
        raise OutcomeUnknown("the update of abc")

    monkeypatch.setattr(held, "update", lost)
    reply = api.reply("PutItem", b'{"TableName":"abc","Item":{"p":{"S":"a"}}}')
    assert (reply.status, reply.error) == (500, "InternalServerError")
    assert [type(fault) for fault in api.faults] == [OutcomeUnknown]
    api.faults.clear()
