"""What is answered where a table has no units left: by every operation, in its own way."""

from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path
from typing import Any

import pytest
from tests.in_process import Api, Fault

from statordb.metering.series import Series
from statordb.metering.shared_buckets import SharedBuckets
from statordb.metering.throttles import TableThrottle
from statordb.model.budget import InlineBudget
from statordb.model.request import Reply
from statordb.store.table import Table

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table"
TABLE_TEXT = (
    "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning "
    "level with the UpdateTable API."
)
INDEX_TEXT = (
    "The level of configured provisioned throughput for one or more global secondary indexes of the table was "
    "exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes with the "
    "UpdateTable API."
)
BURST = 300


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    api = Api(tmp_path, buckets=SharedBuckets(1, 0x9E3779B97F4A7C15))
    yield api
    api.close()


def units(reads: int, writes: int) -> dict[str, Any]:
    return {"ProvisionedThroughput": {"ReadCapacityUnits": reads, "WriteCapacityUnits": writes}}


def create(api: Api, name: str = "abc", **more: Any) -> None:
    """A table with a key of p and s; one unit each of reads and writes unless told."""
    api(
        "CreateTable",
        **{
            "TableName": name,
            "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
            "AttributeDefinitions": [{"AttributeName": n, "AttributeType": "S"} for n in ("p", "s")],
            **units(1, 1),
        }
        | more,
    )


def with_index(api: Api, reads: int, writes: int) -> None:
    create(
        api,
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("p", "s", "g")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "byg",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                **units(reads, writes),
            }
        ],
        **units(10, 10),
    )


def item(p: str = "p", s: str = "s", **more: str) -> dict[str, Any]:
    return {name: {"S": value} for name, value in {"p": p, "s": s, **more}.items()}


def empty(api: Api, writes: bool = True, reads: bool = True, name: str = "abc") -> None:
    """Spend what the table has: what a process knows of it is spent by others."""
    table = api.run(api.store.catalog.find("000000000000", "us-east-1", name))
    throttle = table.throttle
    for bucket, is_wanted in ((throttle.write_bucket, writes), (throttle.read_bucket, reads)):
        if is_wanted:
            level = bucket.renew(0.0)
            bucket.left -= level + 0.001
            bucket.renew(0.0)


def drain(api: Api, index: str) -> None:
    """The same of an index."""
    table = api.run(api.store.catalog.find("000000000000", "us-east-1", "abc"))
    for throttle in (table.throttle._writes[index], table.throttle._reads[index]):
        throttle.bucket.left -= throttle.bucket.renew(0.0) + 0.001
        throttle.bucket.renew(0.0)


def counted(api: Api, name: str = "abc") -> dict[Series, float]:
    """Throttle events of a table, as its tap has counted them."""
    table = api.run(api.store.catalog.find("000000000000", "us-east-1", name))
    figures = table.tap.take()
    return {series: found.sum for series, found in figures.items() if "Throttle" in series.metric}


READS: dict[str, dict[str, Any]] = {
    "GetItem": {"Key": item()},
    "Query": {
        "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": {":p": {"S": "p"}},
    },
    "Scan": {},
}
WRITES: dict[str, dict[str, Any]] = {
    "PutItem": {"Item": item()},
    "UpdateItem": {
        "Key": item(),
        "UpdateExpression": "SET a = :a",
        "ExpressionAttributeValues": {":a": {"S": "a"}},
    },
    "DeleteItem": {"Key": item()},
}
FORMS = [{}, {"ReturnConsumedCapacity": "TOTAL"}]  # the short way, and the general one


@pytest.mark.parametrize("more", FORMS, ids=["usual", "general"])
@pytest.mark.parametrize("operation", [*READS, *WRITES])
def test_an_operation_is_refused_as_by_aws_and_let_in_again(api: Api, operation: str, more: dict[str, Any]) -> None:
    create(api)
    request = {"TableName": "abc", **(READS | WRITES)[operation], **more}
    api(operation, **request)
    empty(api)
    counted(api)
    fault = api.refused(operation, **request)
    assert fault.code == "ProvisionedThroughputExceededException"
    way = "Read" if operation in READS else "Write"
    assert fault.body == {
        "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "message": TABLE_TEXT,
        "ThrottlingReasons": [
            {"reason": f"Table{way}ProvisionedThroughputExceeded", "resource": f"{ARN}/abc"},
        ],
    }
    assert counted(api) == {
        Series(f"{way}ThrottleEvents"): 1,
        Series(f"{way}ProvisionedThroughputThrottleEvents"): 1,
    }
    api.clock.advance(1)
    api(operation, **request)


STATEMENTS = {
    "get": ("SELECT * FROM abc WHERE p = 'p' AND s = 's'", "Read"),
    "query": ("SELECT * FROM abc WHERE p = 'p'", "Read"),
    "scan": ("SELECT * FROM abc", "Read"),
    "insert": ("INSERT INTO abc VALUE {'p': 'p', 's': 't'}", "Write"),
    "update": ("UPDATE abc SET a = 1 WHERE p = 'p' AND s = 's'", "Write"),
    "delete": ("DELETE FROM abc WHERE p = 'p' AND s = 's'", "Write"),
}


@pytest.mark.parametrize("kind", STATEMENTS)
def test_a_statement_is_refused_in_the_same_way(api: Api, kind: str) -> None:
    text, way = STATEMENTS[kind]
    create(api)
    api("PutItem", TableName="abc", Item=item())
    empty(api)
    fault = api.refused("ExecuteStatement", Statement=text)
    assert fault.code == "ProvisionedThroughputExceededException"
    fault = api.refused("ExecuteStatement", Statement=text)  # the short way, if it has one
    assert fault.code == "ProvisionedThroughputExceededException"
    assert fault.body["ThrottlingReasons"][0]["reason"] == f"Table{way}ProvisionedThroughputExceeded"
    api.clock.advance(2)
    api("ExecuteStatement", Statement=text)


def test_a_page_pays_for_what_it_has_read(api: Api) -> None:
    """Ten items of 4 KB leave a debt of nine units: nothing is read for as many seconds."""
    create(api, **units(1, 1000))
    for number in range(10):
        api("PutItem", TableName="abc", Item=item(s=str(number), t="x" * 4000))
    empty(api, writes=False)
    api.clock.advance(1)
    query = {"TableName": "abc", **READS["Query"], "ConsistentRead": True}
    assert api("Query", **query)["Count"] == 10
    api.clock.advance(8)
    assert api.refused("Query", **query).code == "ProvisionedThroughputExceededException"
    api.clock.advance(2)
    api("Query", **query)


def test_a_batch_of_writes_gives_back_what_its_table_has_no_units_for(api: Api) -> None:
    create(api)
    create(api, "def", **units(1, 100))
    empty(api)
    api.clock.advance(3)
    asked = {name: [{"PutRequest": {"Item": item(s=str(number))}} for number in range(6)] for name in ("abc", "def")}
    answer = api("BatchWriteItem", RequestItems=asked)
    assert answer["UnprocessedItems"] == {"abc": asked["abc"][3:]}
    assert api("Scan", TableName="abc", ConsistentRead=True)["Count"] == 3
    found = counted(api)
    assert found[Series("WriteThrottleEvents")] == 3
    assert found[Series("ThrottledRequests", operation="BatchWriteItem")] == 1


def test_a_batch_of_which_nothing_can_be_written_fails(api: Api) -> None:
    create(api)
    empty(api)
    asked = {"abc": [{"PutRequest": {"Item": item()}}, {"DeleteRequest": {"Key": item(s="t")}}]}
    counted(api)
    fault = api.refused("BatchWriteItem", RequestItems=asked)
    assert Series("ThrottledRequests", operation="BatchWriteItem") not in counted(api)  # its error tells of it
    assert fault.code == "ProvisionedThroughputExceededException"
    assert fault.message == TABLE_TEXT


def test_a_batch_of_reads_gives_back_the_keys_that_are_left(api: Api) -> None:
    create(api)
    create(api, "def")
    empty(api)
    empty(api, name="def")
    keys = [item(s=str(number)) for number in range(4)]
    asked = {"abc": {"Keys": keys}, "def": {"Keys": keys}}
    fault = api.refused("BatchGetItem", RequestItems=asked)
    assert fault.code == "ProvisionedThroughputExceededException"
    api.clock.advance(1)
    empty(api, name="def")
    answer = api("BatchGetItem", RequestItems=asked)
    assert answer["UnprocessedKeys"] == {"abc": {"Keys": keys[2:]}, "def": {"Keys": keys}}


def test_a_transaction_is_cancelled_with_the_reasons_of_its_parts(api: Api) -> None:
    create(api)
    create(api, "def", BillingMode="PAY_PER_REQUEST", ProvisionedThroughput=None)
    api("UpdateTable", TableName="def", OnDemandThroughput={"MaxReadRequestUnits": 1, "MaxWriteRequestUnits": 1})
    create(api, "ghi")
    for name in ("abc", "def"):
        empty(api, name=name)
    names = ("abc", "def", "ghi")
    writes = [{"Put": {"TableName": name, "Item": item()}} for name in names]
    reads = [{"Get": {"TableName": name, "Key": item()}} for name in names]
    for operation, parts in (("TransactWriteItems", writes), ("TransactGetItems", reads)):
        fault = api.refused(operation, TransactItems=parts)
        assert fault.code == "TransactionCanceledException"
        assert fault.message.endswith("[ProvisionedThroughputExceeded, ThrottlingError, None]")
        assert fault.body["CancellationReasons"] == [
            {"Code": "ProvisionedThroughputExceeded", "Message": TABLE_TEXT},
            {
                "Code": "ThrottlingError",
                "Message": "Throughput exceeds the maximum OnDemandThroughput configured on table or index",
            },
            {"Code": "None"},
        ]
    bucket = api.run(api.store.catalog.find("000000000000", "us-east-1", "ghi")).throttle.write_bucket
    assert bucket.renew(0.0) == pytest.approx(300)  # a part that is not done costs nothing
    assert "Item" not in api("GetItem", TableName="ghi", Key=item(), ConsistentRead=True)
    assert counted(api)[Series("ThrottledRequests", operation="TransactGetItems")] == 1


def test_statements_of_a_batch_fail_by_themselves(api: Api) -> None:
    create(api)
    create(api, "def")
    empty(api)
    statements = [{"Statement": f"INSERT INTO {name} VALUE {{'p': 'p', 's': 't'}}"} for name in ("abc", "def")]
    responses = api("BatchExecuteStatement", Statements=statements)["Responses"]
    assert responses == [
        {"Error": {"Code": "ProvisionedThroughputExceeded", "Message": TABLE_TEXT}},
        {"TableName": "def"},
    ]


def test_an_index_without_units_refuses_the_writes_of_its_table_and_its_own_reads(api: Api) -> None:
    with_index(api, 1, 1)
    api("PutItem", TableName="abc", Item=item(g="g"))
    drain(api, "byg")
    api("PutItem", TableName="abc", Item=item(s="t", g="g"))  # which finds that the index has nothing left
    fault = api.refused("PutItem", TableName="abc", Item=item(g="g"))
    assert fault.message == INDEX_TEXT
    found = counted(api)
    assert found[Series("WriteThrottleEvents", "byg")] == 1
    query = {
        "TableName": "abc",
        "IndexName": "byg",
        "KeyConditionExpression": "g = :g",
        "ExpressionAttributeValues": {":g": {"S": "g"}},
    }
    assert api.refused("Query", **query).body["ThrottlingReasons"] == [
        {"reason": "IndexReadProvisionedThroughputExceeded", "resource": f"{ARN}/abc/index/byg"}
    ]
    api("GetItem", TableName="abc", Key=item())  # the table itself can be read
    api("Scan", TableName="abc")


def test_a_key_of_an_index_without_units_refuses_the_writes_that_come_to_it(api: Api) -> None:
    with_index(api, 10, 10)
    api("PutItem", TableName="abc", Item=item(s="hot", g="hot"))
    table = api.run(api.store.catalog.find("000000000000", "us-east-1", "abc"))
    table.throttle.full["byg", b"hot"] = inf
    reasons = [{"reason": "IndexWriteKeyRangeThroughputExceeded", "resource": f"{ARN}/abc/index/byg"}]
    change = {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "a"}}}
    statement = "INSERT INTO abc VALUE {'p': 'p', 's': 't', 'g': 'hot'}"
    before = table.throttle.write_bucket.renew(0.0)
    for operation, members in (
        ("PutItem", {"TableName": "abc", "Item": item(g="hot")}),
        ("PutItem", {"TableName": "abc", "Item": item(g="hot"), "ReturnValues": "ALL_OLD"}),
        ("UpdateItem", {"TableName": "abc", "Key": item(s="hot"), **change}),
        ("DeleteItem", {"TableName": "abc", "Key": item(s="hot")}),
        ("ExecuteStatement", {"Statement": statement}),
    ):
        fault = api.refused(operation, **members)
        assert (fault.code, fault.message) == ("ProvisionedThroughputExceededException", INDEX_TEXT)
        assert fault.body["ThrottlingReasons"] == reasons
    assert table.throttle.write_bucket.renew(0.0) >= before  # what is not done costs nothing
    put = [{"PutRequest": {"Item": item(s=f"new {name}", g=name)}} for name in ("hot", "cold")]
    assert api("BatchWriteItem", RequestItems={"abc": put})["UnprocessedItems"] == {"abc": put[:1]}
    parts = [{"Put": {"TableName": "abc", "Item": each["PutRequest"]["Item"]}} for each in put]
    fault = api.refused("TransactWriteItems", TransactItems=parts)
    assert fault.message.endswith("[ProvisionedThroughputExceeded, None]")
    [response] = api("BatchExecuteStatement", Statements=[{"Statement": statement}])["Responses"]
    assert response["Error"]["Code"] == "ProvisionedThroughputExceeded"
    api("UpdateItem", TableName="abc", Key=item(s="other"), **change)  # which the index has no entry of
    del table.throttle.full["byg", b"hot"]
    api("PutItem", TableName="abc", Item=item(g="hot"))


def test_a_batch_of_which_an_index_takes_nothing_fails(api: Api) -> None:
    """As one whose table has nothing left: what comes back unprocessed is a part of it."""
    with_index(api, 10, 10)
    api("PutItem", TableName="abc", Item=item(g="hot"))
    table = api.run(api.store.catalog.find("000000000000", "us-east-1", "abc"))
    table.throttle.full["byg", b"hot"] = inf
    puts = [{"PutRequest": {"Item": item(s=str(number), g="hot")}} for number in range(3)]
    fault = api.refused("BatchWriteItem", RequestItems={"abc": puts})
    assert (fault.code, fault.message) == ("ProvisionedThroughputExceededException", INDEX_TEXT)
    other = {"PutRequest": {"Item": item(s="other", g="cold")}}
    counted(api)
    assert api("BatchWriteItem", RequestItems={"abc": [*puts, other]})["UnprocessedItems"] == {"abc": puts}
    assert counted(api)[Series("ThrottledRequests", operation="BatchWriteItem")] == 1


LIST = {"L": [{"S": f"{number:08}"} for number in range(2000)]}
FILTER = {"FilterExpression": "contains(l, :l)", "ExpressionAttributeValues": {":l": {"S": "none"}}}
CONDITION = {
    "ConditionExpression": "NOT contains(l, :l)", "ExpressionAttributeValues": {":l": {"S": "none"}},
}  # fmt: skip
HEAVY: dict[str, dict[str, Any]] = {
    "GetItem": {"TableName": "abc", "Key": item(), "ProjectionExpression": "a"},
    "Query": {"TableName": "abc", **READS["Query"]} | {
        "FilterExpression": FILTER["FilterExpression"],
        "ExpressionAttributeValues": {":p": {"S": "p"}, ":l": {"S": "none"}},
    },
    "Scan": {"TableName": "abc", **FILTER},
    "PutItem": {"TableName": "abc", "Item": item(), **CONDITION},
    "DeleteItem": {"TableName": "abc", "Key": item(), **CONDITION, "ReturnValues": "ALL_OLD"},
    "BatchGetItem": {"RequestItems": {"abc": {"Keys": [item(), item(s="t")], "ProjectionExpression": "a"}}},
    "BatchWriteItem": {"RequestItems": {"abc": [{"PutRequest": {"Item": item()}}]}},
    "TransactGetItems": {"TransactItems": [{"Get": {"TableName": "abc", "Key": item(), "ProjectionExpression": "a"}}]},
    "TransactWriteItems": {"TransactItems": [{"Delete": {"TableName": "abc", "Key": item(), **CONDITION}}]},
    "ExecuteStatement": {"Statement": "SELECT a FROM abc WHERE p = 'p' AND s = 's'"},
    "BatchExecuteStatement": {"Statements": [{"Statement": "SELECT a FROM abc WHERE p = 'p' AND s = 's'"}]},
}  # fmt: skip


@pytest.mark.parametrize("operation", HEAVY)
def test_what_goes_on_in_a_lane_pays_there_only(api: Api, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_index(api, 1000, 1000)
    api("UpdateTable", TableName="abc", **units(1000, 1000))
    request = HEAVY[operation]
    for _ in range(2):  # whose texts are known then
        api("PutItem", TableName="abc", Item=item(g="g") | {"l": LIST})
        api(operation, **request)
    api("PutItem", TableName="abc", Item=item(g="g") | {"l": LIST})
    table = api.run(api.store.catalog.find("000000000000", "us-east-1", "abc"))
    asked: list[str] = []
    for name in ("admit_read", "admit_write"):
        admit = getattr(TableThrottle, name)
        monkeypatch.setattr(
            TableThrottle, name, lambda *given, _admit=admit: (asked.append("asked"), _admit(*given))[1]
        )
    passed: list[object] = []

    class Lane:
        def submit(self, request: object) -> Reply:
            passed.append(request)
            return Reply(200, b"{}", None)

    dispatcher = api.dispatcher
    monkeypatch.setattr(dispatcher, "_lane", Lane())
    monkeypatch.setattr(dispatcher, "_new_budget", lambda: InlineBudget(1500))
    monkeypatch.setattr(dispatcher, "_parts", (*dispatcher._parts[:4], lambda: InlineBudget(1500)))
    monkeypatch.setattr(dispatcher, "_last", dispatcher._last._replace(new_budget=lambda: InlineBudget(1500)))
    before = [bucket.renew(0.0) for bucket in (table.throttle.read_bucket, table.throttle.write_bucket)]
    api(operation, **request)
    assert len(passed) == 1
    assert asked, "it was admitted before it was too heavy"
    assert [bucket.renew(0.0) for bucket in (table.throttle.read_bucket, table.throttle.write_bucket)] == before


def test_maxima_bound_a_table_on_demand_and_its_indexes(api: Api) -> None:
    create(api, BillingMode="PAY_PER_REQUEST", ProvisionedThroughput=None)
    api("UpdateTable", TableName="abc", OnDemandThroughput={"MaxWriteRequestUnits": 5})
    refused = _first_refusal(lambda: api("PutItem", TableName="abc", Item=item()))
    assert refused.body == {
        "__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException",
        "message": "Throughput exceeds the maximum OnDemandThroughput configured on table or index",
        "throttlingReasons": [{"reason": "TableWriteMaxOnDemandThroughputExceeded", "resource": f"{ARN}/abc"}],
    }
    api("UpdateTable", TableName="abc", OnDemandThroughput={"MaxWriteRequestUnits": -1})
    for _ in range(50):
        api("PutItem", TableName="abc", Item=item())


def _first_refusal(ask: Callable[[], object]) -> Fault:
    for _ in range(100):
        try:
            ask()
        except Fault as fault:
            return fault
    raise AssertionError("nothing is refused")


def test_an_update_of_the_table_and_a_restart_give_no_new_burst(api: Api) -> None:
    create(api)
    put = {"TableName": "abc", "Item": item()}
    api("PutItem", **put)
    empty(api)
    api("UpdateTable", TableName="abc", **units(1, 2))
    assert api.refused("PutItem", **put).code == "ProvisionedThroughputExceededException"
    api.restart()  # one worker of those that are there
    assert api.refused("PutItem", **put).code == "ProvisionedThroughputExceededException"
    api.clock.advance(1)
    api("PutItem", **put)
    api("PutItem", **put)
    assert api.refused("PutItem", **put).code == "ProvisionedThroughputExceededException"


def test_a_condition_that_does_not_hold_is_paid_for(api: Api) -> None:
    create(api)
    api("PutItem", TableName="abc", Item=item(t="x" * 9000))
    empty(api)
    api.clock.advance(1)
    asked = {"TableName": "abc", "Item": item(), "ConditionExpression": "attribute_not_exists(p)"}
    assert api.refused("PutItem", **asked).code == "ConditionalCheckFailedException"
    api.clock.advance(7)
    assert api.refused("PutItem", **asked).code == "ProvisionedThroughputExceededException"
    api.clock.advance(2)
    assert api.refused("PutItem", **asked).code == "ConditionalCheckFailedException"


def test_what_expires_and_an_index_that_is_filled_are_not_throttled(api: Api) -> None:
    create(api)
    for number in range(20):
        stamp = {"e": {"N": str(int(api.clock.now()) - 10)}}
        api("PutItem", TableName="abc", Item=item(s=str(number), g="g") | stamp)
    api("UpdateTimeToLive", TableName="abc", TimeToLiveSpecification={"AttributeName": "e", "Enabled": True})
    empty(api)
    api(
        "UpdateTable",
        TableName="abc",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("p", "s", "g")],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "byg",
                    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                    **units(1, 1),
                }
            }
        ],
    )
    api.keep()
    api.clock.advance(1)
    assert api("Scan", TableName="abc", ConsistentRead=True)["Count"] == 0
    shown = api("DescribeTable", TableName="abc")["Table"]["GlobalSecondaryIndexes"][0]
    assert shown["IndexStatus"] == "ACTIVE"


def test_nothing_is_limited_where_throughput_is_not(tmp_path: Path) -> None:
    api = Api(tmp_path)
    create(api)
    for _ in range(2 * BURST):
        api("GetItem", TableName="abc", Key=item(), ConsistentRead=True)
    api.close()


@pytest.mark.parametrize("operation", [*READS, *WRITES])
def test_a_refused_request_reads_nothing(api: Api, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create(api)
    request = {"TableName": "abc", **(READS | WRITES)[operation]}
    api(operation, **request)
    empty(api)
    table = api.run(api.store.catalog.find("000000000000", "us-east-1", "abc"))

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("it was read, or written")

    for name in ("write", "range", "scan", "get_many", "read"):
        monkeypatch.setattr(Table, name, fail)
    table.here, table.get = None, fail
    assert api.refused(operation, **request).code == "ProvisionedThroughputExceededException"


def test_many_tables_that_are_asked_for_much_leave_others_their_own(tmp_path: Path) -> None:
    """There are fewer places than buckets: a table without one still gets its rate."""
    api = Api(tmp_path, buckets=SharedBuckets(1, 0x9E3779B97F4A7C15, 8))
    for number in range(8):
        create(api, f"many{number}")
        api("PutItem", TableName=f"many{number}", Item=item())
        empty(api, name=f"many{number}")
    create(api, **units(5, 5))
    for _ in range(5):
        api("PutItem", TableName="abc", Item=item())
    assert api.refused("PutItem", TableName="abc", Item=item()).code == "ProvisionedThroughputExceededException"
    api.clock.advance(1)
    api("PutItem", TableName="abc", Item=item())
    api.close()
