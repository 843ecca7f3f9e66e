"""From bytes to bytes: what is no request, what fails, whose tables they are, and how often text is parsed."""

import asyncio
from typing import Any

import orjson
import pytest
from tests.in_process import PRINCIPAL, Api

from statordb.api.operations import OPERATIONS
from statordb.expressions import plans
from statordb.model import errors
from statordb.model.budget import Heavy
from statordb.model.errors import ClientError
from statordb.model.pending import Pending
from statordb.model.request import Principal, Reply, Request
from statordb.store import contention

CREATE: dict[str, Any] = {
    "TableName": "abc",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
KEY = {"p": {"S": "a"}}
SERIALIZATION = {"__type": "com.amazon.coral.service#SerializationException"}
UNKNOWN = {"__type": "com.amazon.coral.service#UnknownOperationException"}


@pytest.mark.parametrize("body", [b"", b"{", b"{'a': 1}", b"\xff", b"[" * 10_000, b'{"a": 1} x', b'"\\ud800"'])
def test_a_body_that_is_no_json(api: Api, body: bytes) -> None:
    reply = api.reply("ListTables", body)
    assert (reply.status, reply.error, orjson.loads(reply.body)) == (400, "SerializationException", SERIALIZATION)


@pytest.mark.parametrize("operation", ["", "listtables", "ListTables ", "NoSuchThing", "__init__"])
def test_an_operation_that_is_not_there(api: Api, operation: str) -> None:
    reply = api.reply(operation, b"{}")
    assert (reply.status, reply.error, orjson.loads(reply.body)) == (400, "UnknownOperationException", UNKNOWN)


def test_a_bad_body_is_told_before_an_unknown_operation(api: Api) -> None:
    assert api.reply("NoSuchThing", b"{").error == "SerializationException"


def test_prechecks_find_the_same_faults(api: Api) -> None:
    """AWS reports these before it looks at the signature."""
    precheck = api.dispatcher.precheck
    assert precheck("DynamoDB_20120810.ListTables", b"{}") is None
    assert precheck("DynamoDB_20120810.ListTables", b"") is None
    for target, body, error in (
        ("DynamoDB_20120810.ListTables", b"{", SERIALIZATION),
        ("DynamoDB_20120810.NoSuchThing", b"{", SERIALIZATION),
        ("DynamoDB_20120810.NoSuchThing", b"{}", UNKNOWN),
        ("", b"{}", UNKNOWN),
    ):
        fault = precheck(target, body)
        assert fault is not None
        assert fault.body() == error


@pytest.mark.parametrize("when", ["at once", "after a wait"])
def test_an_unexpected_exception_is_a_500_that_leaks_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    async def broken(context: Any, request: Any) -> Any:
        if when == "after a wait":
            await contention.announce(context.store.engine)
        raise FileNotFoundError("/secret/path")

    monkeypatch.setitem(OPERATIONS, "ListTables", broken)
    reply = api.reply("ListTables", b"{}")
    assert (reply.status, reply.error) == (500, "InternalServerError")
    assert orjson.loads(reply.body) == {
        "__type": "com.amazonaws.dynamodb.v20120810#InternalServerError",
        "message": "The request processing has failed because of an unknown error, exception or failure.",
    }
    (fault,) = api.faults
    assert isinstance(fault, FileNotFoundError)  # for the log
    api.faults.clear()
    monkeypatch.undo()
    assert api("ListTables") == {"TableNames": []}


class Odd(BaseException):
    """What no `except Exception` sees."""


@pytest.mark.parametrize("fault", [asyncio.CancelledError(), GeneratorExit(), Odd()])
@pytest.mark.parametrize("when", ["at once", "after a wait"])
def test_whatever_an_operation_raises_it_is_answered(
    api: Api, monkeypatch: pytest.MonkeyPatch, fault: BaseException, when: str
) -> None:
    """Its client would wait for ever."""

    async def broken(context: Any, request: Any) -> Any:
        if when == "after a wait":
            await asyncio.sleep(0)
        raise fault

    monkeypatch.setitem(OPERATIONS, "ListTables", broken)
    assert api.reply("ListTables", b"{}").status == 500
    assert api.faults.pop() is fault


@pytest.mark.parametrize("wait", ["future", "task"])
def test_an_operation_whose_awaited_future_is_cancelled_is_answered(
    api: Api, monkeypatch: pytest.MonkeyPatch, wait: str
) -> None:
    async def broken(context: Any, request: Any) -> Any:
        loop = asyncio.get_running_loop()
        waited: Any = loop.create_future() if wait == "future" else loop.create_task(asyncio.sleep(3600))
        loop.call_soon(waited.cancel)
        await waited

    monkeypatch.setitem(OPERATIONS, "ListTables", broken)
    assert api.reply("ListTables", b"{}").error == "InternalServerError"
    assert isinstance(api.faults.pop(), asyncio.CancelledError)


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_is_not_held_up(
    api: Api, monkeypatch: pytest.MonkeyPatch, end: type[BaseException]
) -> None:
    async def ended(context: Any, request: Any) -> Any:
        raise end

    monkeypatch.setitem(OPERATIONS, "ListTables", ended)
    with pytest.raises(end):
        api.dispatcher.handle(Request("ListTables", b"{}", PRINCIPAL, "id"))


class FakeLane:
    """Keeps what it is given, and answers with `reply` once the loop has gone round, or refuses."""

    def __init__(self, reply: Reply | BaseException, refusal: ClientError | None = None) -> None:
        self.requests: list[Request] = []
        self.reply = reply
        self.refusal = refusal

    def submit(self, request: Request) -> Pending[Reply]:
        self.requests.append(request)
        if self.refusal is not None:
            raise self.refusal
        loop = asyncio.get_running_loop()
        answer: Pending[Reply] = Pending(loop)
        if isinstance(self.reply, Reply):
            loop.call_soon(answer.set_result, self.reply)
        else:
            loop.call_soon(answer.set_exception, self.reply)
        return answer


def heavy_operation(when: str) -> Any:
    async def heavy(context: Any, request: Any) -> Any:
        if when == "after a wait":
            await asyncio.sleep(0)
        raise Heavy

    return heavy


@pytest.fixture
def lane(api: Api, monkeypatch: pytest.MonkeyPatch) -> FakeLane:
    lane = FakeLane(Reply(200, b'{"from":"the lane"}'))
    monkeypatch.setattr(api.dispatcher, "_lane", lane)
    return lane


@pytest.mark.parametrize("when", ["at once", "after a wait"])
def test_what_is_too_heavy_begins_again_in_the_lane(
    api: Api, lane: FakeLane, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setitem(OPERATIONS, "ListTables", heavy_operation(when))
    assert api.reply("ListTables", b"{}") == lane.reply
    (request,) = lane.requests
    assert (request.operation, request.body, request.principal) == ("ListTables", b"{}", PRINCIPAL)


def test_a_packed_body_goes_to_the_lane_unread(api: Api, lane: FakeLane) -> None:
    request = Request("ListTables", b"\x1f\x8b", PRINCIPAL, "id", coding=b"gzip")

    async def handle() -> Any:
        return await api.dispatcher.handle(request)  # type: ignore[misc]

    assert api.run(handle()) == lane.reply
    assert lane.requests == [request]


@pytest.mark.parametrize("when", ["at once", "after a wait"])
def test_a_lane_that_has_too_much_to_do_says_so(
    api: Api, lane: FakeLane, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    lane.refusal = errors.internal()
    monkeypatch.setitem(OPERATIONS, "ListTables", heavy_operation(when))
    assert api.reply("ListTables", b"{}").error == "InternalServerError"
    assert not api.faults  # it is an answer, not a failure


def test_a_lane_that_fails_is_answered_for(api: Api, lane: FakeLane, monkeypatch: pytest.MonkeyPatch) -> None:
    lane.reply = ConnectionResetError()
    monkeypatch.setitem(OPERATIONS, "ListTables", heavy_operation("after a wait"))
    assert api.reply("ListTables", b"{}").status == 500
    assert api.faults.pop() is lane.reply


@pytest.mark.parametrize("when", ["at once", "after a wait"])
def test_without_a_lane_a_heavy_request_is_answered_all_the_same(
    api: Api, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Where nothing is beyond the budget, none should be."""
    monkeypatch.setitem(OPERATIONS, "ListTables", heavy_operation(when))
    assert api.reply("ListTables", b"{}").status == 500
    assert isinstance(api.faults.pop(), RuntimeError)


def test_reads_are_answered_at_once_and_writes_later(api: Api) -> None:
    """A reply that is there needs no round of the event loop; a write waits for the disk. By a clock that stands: what
    takes long has others run first."""
    api.dispatcher._turns.clock = lambda: 0.0
    api("CreateTable", **CREATE)
    api("GetItem", TableName="abc", Key=KEY)

    async def kinds() -> list[bool]:
        requests = [("GetItem", {"Key": KEY}), ("Scan", {}), ("PutItem", {"Item": KEY})]
        replies = [
            api.dispatcher.handle(Request(name, orjson.dumps({"TableName": "abc", **more}), PRINCIPAL, "id"))
            for name, more in requests
        ]
        for reply in replies:
            if not isinstance(reply, Reply):
                await reply
        return [isinstance(reply, Reply) for reply in replies]

    assert api.run(kinds()) == [True, True, False]


def test_accounts_and_regions_have_tables_of_their_own(api: Api) -> None:
    others = [
        Principal("111111111111", "other", "us-east-1", "arn:aws:iam::111111111111:root"),
        Principal("000000000000", "local", "eu-west-1", "arn:aws:iam::000000000000:root"),
    ]
    for number, principal in enumerate([PRINCIPAL, *others]):
        made = api("CreateTable", principal, **CREATE)["TableDescription"]
        assert made["TableArn"] == f"arn:aws:dynamodb:{principal.region}:{principal.account}:table/abc"
        api("PutItem", principal, TableName="abc", Item={**KEY, "n": {"N": str(number)}})
    for number, principal in enumerate([PRINCIPAL, *others]):  # in turns: no context is kept for the wrong one
        assert api("GetItem", principal, TableName="abc", Key=KEY)["Item"]["n"] == {"N": str(number)}
    api("DeleteTable", others[0], TableName="abc")
    assert api("ListTables", others[0]) == {"TableNames": []}
    assert api("ListTables") == {"TableNames": ["abc"]}


def test_a_table_may_be_named_by_its_arn(api: Api) -> None:
    arn = api("CreateTable", **CREATE)["TableDescription"]["TableArn"]
    api("PutItem", TableName=arn, Item=KEY)
    assert api("GetItem", TableName="abc", Key=KEY)["Item"] == KEY
    assert api("DescribeTable", TableName=arn)["Table"]["TableName"] == "abc"
    assert api("BatchGetItem", RequestItems={arn: {"Keys": [KEY]}})["Responses"] == {arn: [KEY]}


@pytest.mark.parametrize("operation", ["GetItem", "DescribeTable", "DeleteTable", "CreateTable"])
def test_an_arn_opens_no_other_accounts_table(api: Api, operation: str) -> None:
    other = Principal("111111111111", "other", "us-east-1", "arn:aws:iam::111111111111:root")
    arn = api("CreateTable", other, **CREATE)["TableDescription"]["TableArn"]
    more = {"GetItem": {"Key": KEY}, "CreateTable": CREATE}.get(operation, {})
    assert api.refused(operation, **{**more, "TableName": arn}).code == "AccessDeniedException"
    assert api("ListTables", other) == {"TableNames": ["abc"]}


def test_members_that_are_null_are_not_there(api: Api) -> None:
    api("CreateTable", **CREATE)
    nothing: dict[str, Any] = dict.fromkeys(
        ("ConditionExpression", "Expected", "ReturnValues", "ExpressionAttributeNames")
    )
    assert api("PutItem", TableName="abc", Item=KEY, **nothing) == {}
    nothing = dict.fromkeys(("ProjectionExpression", "AttributesToGet", "ConsistentRead", "ReturnConsumedCapacity"))
    assert api("GetItem", TableName="abc", Key=KEY, **nothing) == {"Item": KEY}
    nothing = dict.fromkeys(("ScanIndexForward", "Limit", "IndexName", "ExpressionAttributeNames", "ExclusiveStartKey"))
    values = {":p": KEY["p"]}
    answer = api("Query", TableName="abc", KeyConditionExpression="p = :p", ExpressionAttributeValues=values, **nothing)
    assert answer["Items"] == [KEY]
    fault = api.refused("Query", TableName="abc", KeyConditionExpression=None, ExpressionAttributeValues=None)
    assert fault.message == (
        "1 validation error detected: "
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
    )


def test_an_expression_is_parsed_once(api: Api) -> None:
    """However often it is sent, and whatever the values are."""
    api("CreateTable", **CREATE)
    forms: tuple[Any, ...] = (plans.UPDATES, plans.CONDITIONS, plans.PROJECTIONS, plans.KEY_CONDITIONS)
    before = [form.parses for form in forms]
    for number in range(3):
        values = {":n": {"N": str(number)}}
        api(
            "UpdateItem",
            TableName="abc",
            Key=KEY,
            UpdateExpression="SET parsed_once = :n",
            ConditionExpression="attribute_not_exists(p) OR parsed_once < :n",
            ExpressionAttributeValues=values,
        )
        api("GetItem", TableName="abc", Key=KEY, ProjectionExpression="p, parsed_once")
        values = {":parsed_once": {"S": str(number)}}
        api("Query", TableName="abc", KeyConditionExpression="p = :parsed_once", ExpressionAttributeValues=values)
    assert [form.parses - count for form, count in zip(forms, before, strict=True)] == [1, 1, 1, 1]
