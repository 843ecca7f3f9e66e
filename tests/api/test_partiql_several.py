"""BatchExecuteStatement and ExecuteTransaction: what may stand together, what is told of each, and all or none."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from tests.in_process import SHAPES, Api, Fault

from statordb.api.dispatch import Dispatcher
from statordb.expressions.partiql.statements import STATEMENTS
from statordb.model.request import Reply, Request

CREATE: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "N"},
        {"AttributeName": "g", "AttributeType": "S"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "Glo",
            "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
FAILED = "ConditionalCheckFailed"
DUPLICATE = {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"}
NOT_KEYED = "Where clause does not contain a mandatory equality on all key attributes"


@pytest.fixture
def items(api: Api) -> Api:
    for name in ("one", "two"):
        api("CreateTable", TableName=name, **CREATE)
        for number in (1, 2):
            api("PutItem", TableName=name, Item={"id": {"N": str(number)}, "v": {"S": f"{name}{number}"}})
    return api


def batch(api: Api, *statements: str, **request: Any) -> dict[str, Any]:
    return api("BatchExecuteStatement", Statements=[{"Statement": each} for each in statements], **request)


def transact(api: Api, *statements: str, **request: Any) -> dict[str, Any]:
    return api("ExecuteTransaction", TransactStatements=[{"Statement": each} for each in statements], **request)


def read(api: Api, table: str, number: int) -> dict[str, Any] | None:
    return api("GetItem", TableName=table, Key={"id": {"N": str(number)}}).get("Item")


# Batches


@pytest.mark.parametrize("statement", ["UPDATE one SET v = 'new' WHERE id = {}", "INSERT INTO two VALUE {{'id': 1{}}}"])
def test_writes_take_no_tasks(items: Api, statement: str) -> None:
    """Each of 25 Tasks, with its future and its context, would cost more than much of what a write does."""
    made: list[Coroutine[Any, Any, Any]] = []

    def factory(loop: asyncio.AbstractEventLoop, work: Any) -> asyncio.Task[Any]:
        made.append(work)
        return asyncio.Task(work, loop=loop)

    items.loop.set_task_factory(factory)
    answer = batch(items, *(statement.format(number) for number in range(1, 26)))
    items.loop.set_task_factory(None)
    assert len(answer["Responses"]) == 25
    assert len(made) == 1  # what the test itself runs


def test_reads_are_answered_in_order_each_by_itself(items: Api) -> None:
    answer = batch(
        items,
        "SELECT v FROM two WHERE id = 2",
        "SELECT v FROM one WHERE id = 1",
        "SELECT v FROM one WHERE id = 9",
        "SELECT * FROM none WHERE id = 1",
        "SELECT * FROM one WHERE id > 1",
        'SELECT * FROM "one"."Glo" WHERE g = \'x\'',
        "SELECT v FROM one WHERE id = 2 AND v = 'other'",
        "SELECT",
    )
    unkeyed = {
        "Code": "ValidationError",
        "Message": "Select statements within BatchExecuteStatement must specify the primary key in the where clause.",
    }
    ill_formed = "Statement wasn't well formed, can't be processed: Unexpected term"
    assert answer == {
        "Responses": [
            {"Item": {"v": {"S": "two2"}}, "TableName": "two"},
            {"Item": {"v": {"S": "one1"}}, "TableName": "one"},
            {"TableName": "one"},
            {"Error": {"Code": "ResourceNotFound", "Message": "Requested resource not found"}},
            {"Error": unkeyed},
            {"Error": unkeyed},
            {"TableName": "one"},
            {"Error": {"Code": "ValidationError", "Message": ill_formed}},
        ]
    }


def test_a_write_that_fails_does_not_keep_others_from_being_made(items: Api) -> None:
    answer = batch(
        items,
        "INSERT INTO one VALUE {'id': 1}",
        "INSERT INTO one VALUE {'id': 3}",
        "UPDATE two SET v = 'new' WHERE id = 1 RETURNING ALL NEW *",
        "UPDATE two SET v = 'new' WHERE id = 2 AND v = 'other'",
        "DELETE FROM one WHERE id = 2 RETURNING ALL OLD *",
        "DELETE FROM two WHERE v = 'x'",
        "UPDATE two SET v = 'new' WHERE id = 7",
    )
    assert [each.get("Error", {}).get("Code") for each in answer["Responses"]] == [
        "DuplicateItem", None, None, FAILED, None, "ValidationError", FAILED,
    ]  # fmt: skip
    assert answer["Responses"][0] == {"Error": DUPLICATE, "TableName": "one"}
    assert answer["Responses"][1] == {"TableName": "one"}
    assert answer["Responses"][2] == {"Item": {"id": {"N": "1"}, "v": {"S": "new"}}, "TableName": "two"}
    assert answer["Responses"][4] == {"Item": {"id": {"N": "2"}, "v": {"S": "one2"}}, "TableName": "one"}
    assert answer["Responses"][5] == {"Error": {"Code": "ValidationError", "Message": NOT_KEYED}}
    assert read(items, "one", 3) is not None
    assert read(items, "one", 2) is None


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (
            ["SELECT * FROM one WHERE id = 1", "DELETE FROM one WHERE id = 2"],
            "Read and write requests together in the same batch is not supported.",
        ),
        (
            ["SELECT * FROM one WHERE id = 1", "SELECT v FROM one WHERE id = 1.0"],
            "Provided list of item keys contains duplicates",
        ),
        (
            ["INSERT INTO one VALUE {'id': 5}", "DELETE FROM one WHERE id = 5"],
            "Provided list of item keys contains duplicates",
        ),
    ],
)
def test_batches_are_refused_as_a_whole(items: Api, statements: list[str], message: str) -> None:
    with pytest.raises(Fault) as caught:
        batch(items, *statements)
    assert caught.value.message == message
    assert read(items, "one", 5) is None


def test_a_statement_that_is_none_is_neither_a_read_nor_a_write(items: Api) -> None:
    answer = batch(items, "nonsense", "DELETE FROM one WHERE id = 1")
    assert [sorted(each) for each in answer["Responses"]] == [["Error"], ["TableName"]]


def test_members_of_all_statements_are_checked_before_anything_is_done(items: Api) -> None:
    statements = [{"Statement": "INSERT INTO one VALUE {'id': 5}"}, {"Statement": "", "Parameters": []}]
    fault = items.refused("BatchExecuteStatement", Statements=statements)
    assert fault.message.startswith("2 validation errors detected: ")
    assert read(items, "one", 5) is None


def test_what_a_batch_consumes(items: Api) -> None:
    answer = batch(
        items,
        "INSERT INTO one VALUE {'id': 1}",
        "INSERT INTO one VALUE {'id': 4, 'g': 'x'}",
        "DELETE FROM two WHERE id = 1",
        ReturnConsumedCapacity="INDEXES",
    )
    one, two = answer["ConsumedCapacity"]
    assert one == {
        "TableName": "one",
        "CapacityUnits": 3.0,
        "Table": {"CapacityUnits": 1.0},
        "GlobalSecondaryIndexes": {"Glo": {"CapacityUnits": 1.0}},
    }
    assert two["CapacityUnits"] == 1.0
    failed = batch(items, "INSERT INTO one VALUE {'id': 1}", ReturnConsumedCapacity="TOTAL")
    assert "ConsumedCapacity" not in failed


# Transactions


def test_a_transaction_reads_items_as_they_are_at_one_moment(items: Api) -> None:
    answer = transact(
        items,
        "SELECT v FROM two WHERE id = 2",
        "SELECT * FROM one WHERE id = 9",
        "SELECT * FROM one WHERE id = 1 AND v = 'other'",
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["Responses"] == [{"Item": {"v": {"S": "two2"}}}, {}, {}]
    assert [each["ReadCapacityUnits"] for each in answer["ConsumedCapacity"]] == [2.0, 4.0]


def test_a_transaction_writes_all(items: Api) -> None:
    answer = transact(
        items,
        "INSERT INTO one VALUE {'id': 3}",
        "UPDATE two SET v = 'new' WHERE id = 1 AND v = 'two1'",
        "DELETE FROM two WHERE id = 2",
        "EXISTS(SELECT * FROM one WHERE id = 1 AND v = 'one1')",
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["Responses"] == []
    assert [each["WriteCapacityUnits"] for each in answer["ConsumedCapacity"]] == [4.0, 4.0]
    assert read(items, "one", 3) == {"id": {"N": "3"}}
    assert read(items, "two", 1) == {"id": {"N": "1"}, "v": {"S": "new"}}
    assert read(items, "two", 2) is None


def test_a_transaction_writes_none_where_one_fails(items: Api) -> None:
    statements = [
        {"Statement": "INSERT INTO one VALUE {'id': 3}"},
        {"Statement": "INSERT INTO one VALUE {'id': 1}"},
        {
            "Statement": "UPDATE two SET v = 'new' WHERE id = 1 AND v = ?",
            "Parameters": [{"S": "other"}],
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
        {"Statement": "EXISTS(SELECT * FROM two WHERE id = 2 AND attribute_exists(v) = false)"},
        {"Statement": "EXISTS(SELECT * FROM two WHERE id = 9 AND v IS MISSING)"},
        {"Statement": "UPDATE two SET v = 'new' WHERE id = 8"},
    ]
    fault = items.refused("ExecuteTransaction", TransactStatements=statements)
    assert fault.code == "TransactionCanceledException"
    failed = {"Code": FAILED, "Message": "The conditional request failed"}
    assert fault.body["CancellationReasons"] == [
        {"Code": "None"},
        DUPLICATE,
        {**failed, "Item": {"id": {"N": "1"}, "v": {"S": "two1"}}},
        failed,
        failed,
        failed,
    ]
    assert read(items, "one", 3) is None


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (
            ["SELECT * FROM one WHERE id = 1", "DELETE FROM one WHERE id = 2"],
            "ExecuteTransaction API does not support both read and write operations in the same request.",
        ),
        (
            ["SELECT * FROM one WHERE id = 1", "EXISTS(SELECT * FROM one WHERE id = 2 AND v = 1)"],
            "ExecuteTransaction API does not support both read and write operations in the same request.",
        ),
        (
            ["DELETE FROM one WHERE id = 1", "UPDATE one SET v = 1 WHERE id = 1"],
            "Transaction request cannot include multiple operations on one item",
        ),
        (
            ["INSERT INTO one VALUE {'id': 5}", "DELETE FROM one WHERE id = 1 RETURNING ALL OLD *"],
            "Validation failed in TransactStatements[1]: RETURNING clause is not supported in ExecuteTransaction.",
        ),
        (
            ['SELECT * FROM "one"."Glo" WHERE g = \'x\''],
            "Validation failed in TransactStatements[0]: Reads on indices are not supported within transactions.",
        ),
        (
            ["SELECT * FROM one WHERE id > 1"],
            "Validation failed in TransactStatements[0]: "
            "Select statements within ExecuteTransaction must specify the primary key in the where clause.",
        ),
        (["INSERT INTO one VALUE {'id': 5}", "DELETE FROM one WHERE v = 1"], NOT_KEYED),
        *(
            (
                ["INSERT INTO one VALUE {'id': 5}", f"EXISTS(SELECT * FROM one WHERE {where})"],
                "Validation failed in TransactStatements[1]: "
                "EXISTS() must contain a single item read with additional condition",
            )
            for where in ("id = 1", "v = 1", "id = 1 OR v = 1")
        ),
        *(
            (["INSERT INTO one VALUE {'id': 5}", wrong], f"Validation failed in TransactStatements[1]: {told}")
            for wrong, told in (
                ("DELETE FROM one x WHERE id = 1", "Aliasing is not supported"),
                ("DELETE FROM one WHERE id = ?", "Number of parameters in request and statement don't match."),
                (
                    "UPDATE one SET v = 1 + 'x' WHERE id = 1",
                    "Incorrect operand type for operator or function; operator or function: +, operand type: S",
                ),
            )
        ),
        (
            ["INSERT INTO one VALUE {'id': 5}", "nonsense"],
            "Statement wasn't well formed, can't be processed: Expected data manipulation",
        ),
    ],
)
def test_transactions_are_refused_as_a_whole(items: Api, statements: list[str], message: str) -> None:
    with pytest.raises(Fault) as caught:
        transact(items, *statements)
    assert (caught.value.code, caught.value.message) == ("ValidationException", message)
    assert read(items, "one", 5) is None


def test_a_token_makes_a_transaction_be_done_once(items: Api) -> None:
    add = "UPDATE one SET n = if_not_exists(n, 0) + 1 WHERE id = 1"
    for _ in range(3):
        transact(items, add, ClientRequestToken="once")
    assert (read(items, "one", 1) or {})["n"] == {"N": "1"}
    with pytest.raises(Fault) as caught:
        transact(items, "DELETE FROM one WHERE id = 1", ClientRequestToken="once")
    assert caught.value.code == "IdempotentParameterMismatchException"


def test_a_condition_that_fails_shows_the_item_where_that_is_asked_for(items: Api) -> None:
    request = {"Statement": "DELETE FROM one WHERE id = 1 AND v = 'other'"}
    shows = {**request, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    assert items.refused("ExecuteStatement", **shows).body["Item"] == {"id": {"N": "1"}, "v": {"S": "one1"}}
    assert "Item" not in items.refused("ExecuteStatement", **request).body
    (response,) = items("BatchExecuteStatement", Statements=[shows])["Responses"]
    assert response == {
        "Error": {"Code": FAILED, "Message": "The conditional request failed"},
        "TableName": "one",
    }


class Lane:
    """Takes what is too heavy, and answers nothing."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def submit(self, request: Request) -> Reply:
        self.taken.append(request.operation)
        return Reply(200, b"{}", None)


def test_a_batch_that_is_too_heavy_goes_to_a_lane_before_anything_is_written(items: Api) -> None:
    """One of its writes compares lists; what it takes is known when it is tried."""
    members = {"L": [{"N": "1"}] * 12_000}
    items("PutItem", TableName="two", Item={"id": {"N": "5"}, "a": members})
    lane = Lane()
    items.dispatcher = Dispatcher(items.store, SHAPES, lambda _, fault: items.faults.append(fault), lane=lane)
    light, heavy = "INSERT INTO one VALUE {'id': 5}", "UPDATE two SET v = 1 WHERE id = 5 AND contains(a, 2)"
    assert batch(items, light, heavy) == {}
    assert lane.taken == ["BatchExecuteStatement"]
    assert read(items, "one", 5) is None
    assert batch(items, light)["Responses"] == [{"TableName": "one"}]
    assert lane.taken == ["BatchExecuteStatement"]


def test_a_statement_is_compiled_once(items: Api) -> None:
    statement = "SELECT v FROM one WHERE id = ? AND v <> 'compiled once'"
    before = STATEMENTS.parses
    for number in ("1", "2", "3"):
        items("ExecuteStatement", Statement=statement, Parameters=[{"N": number}])
        items("ExecuteTransaction", TransactStatements=[{"Statement": statement, "Parameters": [{"N": number}]}])
    assert STATEMENTS.parses == before + 1
