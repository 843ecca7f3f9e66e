"""TransactWriteItems and TransactGetItems: all or nothing, why nothing, and once only."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.api_suite.conftest import Client
from tests.api_suite.refusal import invalid, refused

KIB = 1024
Action = dict[str, Any]
# A fault that only the items show is told as a cancellation or as a plain fault, by who finds it.
REFUSALS = ("ValidationException", "TransactionCanceledException")


def _key(partition: str, number: int = 0) -> dict[str, Any]:
    return {"p": {"S": f"{partition}-{number}"}}


def _put(table: str, partition: str, number: int = 0, **more: Any) -> Action:
    attributes = {name: value for name, value in more.items() if name.islower()}
    options = {name: value for name, value in more.items() if not name.islower()}
    return {"Put": {"TableName": table, "Item": {**_key(partition, number), **attributes}, **options}}


def _check(table: str, partition: str, number: int, condition: str) -> Action:
    key = _key(partition, number)
    return {"ConditionCheck": {"TableName": table, "Key": key, "ConditionExpression": condition}}


def _stored(client: Client, table: str, partition: str, count: int) -> list[Any]:
    """`v` of the first items of this partition, None where there is no item."""
    gets = [{"Get": {"TableName": table, "Key": _key(partition, number)}} for number in range(count)]
    answers = client.transact_get_items(TransactItems=gets)["Responses"]
    return [answer["Item"].get("v") if "Item" in answer else None for answer in answers]


def test_every_action_happens(client: Client, hash_table: str, unique: str) -> None:
    """One of each kind, over items that are there and one that is not."""
    client.transact_write_items(TransactItems=[_put(hash_table, unique, number, v={"N": "1"}) for number in (1, 2, 3)])
    update = {
        "TableName": hash_table,
        "Key": _key(unique, 1),
        "UpdateExpression": "ADD v :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    reply = client.transact_write_items(
        TransactItems=[
            _put(hash_table, unique, 0, v={"S": "new"}),
            {"Update": update},
            {"Delete": {"TableName": hash_table, "Key": _key(unique, 2)}},
            _check(hash_table, unique, 3, "attribute_exists(p)"),
        ]
    )
    assert set(reply) == {"ResponseMetadata"}
    assert _stored(client, hash_table, unique, 4) == [{"S": "new"}, {"N": "2"}, None, {"N": "1"}]


def test_one_failed_condition_stops_all_and_is_named_in_order(client: Client, hash_table: str, unique: str) -> None:
    client.put_item(TableName=hash_table, Item={**_key(unique, 1), "v": {"S": "old"}})
    exists = {"ConditionExpression": "attribute_not_exists(p)"}
    actions = [
        _put(hash_table, unique, 0),
        _put(hash_table, unique, 1, **exists, ReturnValuesOnConditionCheckFailure="ALL_OLD"),
        _put(hash_table, unique, 2),
        _check(hash_table, unique, 3, "attribute_exists(p)"),
    ]
    with refused("TransactionCanceledException") as refusal:
        client.transact_write_items(TransactItems=actions)
    assert refusal.response["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed, None, ConditionalCheckFailed]"
    )
    reasons = refusal.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == [
        "None",
        "ConditionalCheckFailed",
        "None",
        "ConditionalCheckFailed",
    ]
    assert reasons[1]["Item"] == {**_key(unique, 1), "v": {"S": "old"}}
    assert "Item" not in reasons[3]  # not asked for
    assert reasons[3]["Message"].startswith("The conditional request failed")
    assert _stored(client, hash_table, unique, 3) == [None, {"S": "old"}, None]


def test_reads_come_in_order_and_projected(client: Client, hash_table: str, unique: str) -> None:
    client.put_item(TableName=hash_table, Item={**_key(unique, 1), "a": {"S": "x"}, "b": {"S": "y"}})
    gets: list[Action] = [
        {"Get": {"TableName": hash_table, "Key": _key(unique, 0)}},
        {"Get": {"TableName": hash_table, "Key": _key(unique, 1), "ProjectionExpression": "b"}},
    ]
    assert client.transact_get_items(TransactItems=gets)["Responses"] == [{}, {"Item": {"b": {"S": "y"}}}]


def test_a_token_makes_it_happen_once(client: Client, hash_table: str, unique: str) -> None:
    token = str(uuid.uuid4())
    count = {
        "Update": {
            "TableName": hash_table,
            "Key": _key(unique),
            "UpdateExpression": "ADD v :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    for _ in range(3):
        client.transact_write_items(TransactItems=[count], ClientRequestToken=token)
    assert _stored(client, hash_table, unique, 1) == [{"N": "1"}]
    with refused("IdempotentParameterMismatchException"):
        client.transact_write_items(TransactItems=[_put(hash_table, unique)], ClientRequestToken=token)


@pytest.mark.deviates("dynamodb-local", "it counts what the first call cost, where a repeat costs a read of each item")
def test_a_repeat_costs_reads(client: Client, hash_table: str, unique: str) -> None:
    request = {
        "TransactItems": [_put(hash_table, unique, number) for number in (0, 1)],
        "ClientRequestToken": str(uuid.uuid4()),
        "ReturnConsumedCapacity": "TOTAL",
    }
    (first,) = client.transact_write_items(**request)["ConsumedCapacity"]
    (again,) = client.transact_write_items(**request)["ConsumedCapacity"]
    assert (first["CapacityUnits"], first["WriteCapacityUnits"]) == (4.0, 4.0)
    assert (again["CapacityUnits"], again["ReadCapacityUnits"]) == (4.0, 4.0)


@pytest.mark.parametrize("count", [100, 101])
def test_at_most_100_actions(client: Client, hash_table: str, unique: str, count: int) -> None:
    actions = [_put(hash_table, unique, number, v={"S": "x"}) for number in range(count)]
    if count > 100:
        with invalid("Member must have length less than or equal to 100"):
            client.transact_write_items(TransactItems=actions)
        with invalid("Member must have length less than or equal to 100"):
            _stored(client, hash_table, unique, count)
        return
    client.transact_write_items(TransactItems=actions)
    assert _stored(client, hash_table, unique, count) == [{"S": "x"}] * 100


def test_at_most_4_mb(client: Client, hash_table: str, unique: str) -> None:
    actions = [_put(hash_table, unique, number, v={"S": "x" * 390 * KIB}) for number in range(11)]
    with invalid():
        client.transact_write_items(TransactItems=actions)
    assert _stored(client, hash_table, unique, 1) == [None]
    for action in actions:
        client.put_item(**action["Put"])
    with pytest.raises(ClientError) as caught:
        _stored(client, hash_table, unique, 11)
    assert caught.value.response["Error"]["Code"] in REFUSALS
    assert len(_stored(client, hash_table, unique, 10)) == 10


def test_no_item_twice(client: Client, hash_table: str, unique: str) -> None:
    """Parts of a transaction have no order: a check beside a write of the same item would mean nothing."""
    get = {"Get": {"TableName": hash_table, "Key": _key(unique)}}
    with invalid("Transaction request cannot include multiple operations on one item"):
        client.transact_get_items(TransactItems=[get, get])
    for other in (_put(hash_table, unique), _check(hash_table, unique, 0, "attribute_exists(p)")):
        with invalid("Transaction request cannot include multiple operations on one item"):
            client.transact_write_items(TransactItems=[_put(hash_table, unique), other])


@pytest.mark.parametrize(
    "action",
    [
        {"Put": {"Item": {"q": {"S": "x"}}}},
        {"Put": {"Item": {"p": {"S": "x"}, "v": {"N": "x"}}}},
        {"Put": {"Item": {"p": {"S": "x"}}, "ConditionExpression": "p ="}},
        {"ConditionCheck": {"Key": {"p": {"S": "x"}}}},
        {},
    ],
)
def test_what_is_no_action_stops_all(client: Client, hash_table: str, unique: str, action: Action) -> None:
    named = {kind: {"TableName": hash_table, **members} for kind, members in action.items()}
    with pytest.raises(ClientError) as caught:
        client.transact_write_items(TransactItems=[_put(hash_table, unique), named])
    assert caught.value.response["Error"]["Code"] in REFUSALS
    assert _stored(client, hash_table, unique, 1) == [None]


def test_one_unknown_table_stops_all(client: Client, hash_table: str, unique: str) -> None:
    with refused("ResourceNotFoundException"):
        client.transact_write_items(TransactItems=[_put(hash_table, unique), _put("no-such-table", unique)])
    assert _stored(client, hash_table, unique, 1) == [None]


def test_an_update_that_cannot_be_made_stops_all(client: Client, hash_table: str, unique: str) -> None:
    update = {
        "Update": {
            "TableName": hash_table,
            "Key": _key(unique, 1),
            "UpdateExpression": "SET v = v + :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    with pytest.raises(ClientError) as caught:
        client.transact_write_items(TransactItems=[_put(hash_table, unique), update])
    assert caught.value.response["Error"]["Code"] in REFUSALS
    assert _stored(client, hash_table, unique, 2) == [None, None]


@pytest.mark.slow
def test_concurrent_transfers_lose_nothing(client: Client, hash_table: str, unique: str) -> None:
    # Money moves between accounts in many transactions at once; a refused one is no transfer.
    accounts, total = 4, 400
    for number in range(accounts):
        client.put_item(TableName=hash_table, Item={**_key(unique, number), "v": {"N": str(total // accounts)}})

    def transfer(turn: int) -> None:
        amount = {":m": {"N": str(turn % 7 + 1)}}
        source, target = turn % accounts, (turn * 3 + 1) % accounts
        if source == target:
            return
        debit = {
            "UpdateExpression": "SET v = v - :m",
            "ConditionExpression": "v >= :m",
            "ExpressionAttributeValues": amount,
        }
        credit = {"UpdateExpression": "SET v = v + :m", "ExpressionAttributeValues": amount}
        actions = [
            {"Update": {"TableName": hash_table, "Key": _key(unique, number), **change}}
            for number, change in ((source, debit), (target, credit))
        ]
        try:
            client.transact_write_items(TransactItems=actions)
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(transfer, range(80)))
    balances = [int(value["N"]) for value in _stored(client, hash_table, unique, accounts)]
    assert sum(balances) == total
    assert min(balances) >= 0
    assert balances != [total // accounts] * accounts
