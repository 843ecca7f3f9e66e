"""Policies in force: what an identity may do, by every condition key, on the short ways and the long ones."""

from typing import Any

import pytest
from tests.access.kit import policy
from tests.api.streams import create
from tests.api.test_gate import (
    ACCOUNT,
    ARNS,
    CREATE,
    ITEMS,
    KINESIS,
    STREAMS,
    TABLES,
    of_arns,
    of_items,
    of_some_stream,
    of_tables,
    of_the_account,
)
from tests.api.with_policies import ANNS, BOBS, OWN, TABLE, allowing, ann, ask, may, refusal, requests, text
from tests.in_process import SHAPES, Api, Fault

from statordb.api.dispatch import Dispatcher
from statordb.commands.turns import Turns
from statordb.model.request import Reply, Request


@pytest.fixture
def abc(api: Api) -> Api:
    api("CreateTable", TableName="abc", **CREATE)
    return api


@pytest.mark.parametrize("kind", ITEMS + TABLES + ARNS + ACCOUNT)
@pytest.mark.parametrize("name", ["abc", "none"])
def test_who_has_no_policy_may_nothing(abc: Api, kind: str, name: str) -> None:
    """And is not told whether a table is there."""
    arn = TABLE.replace("abc", name)
    operation, body, actions = {**of_items(name), **of_tables(name), **of_arns(arn), **of_the_account()}[kind]
    if operation == "BatchExecuteStatement":
        error = ask(abc, ann(), operation, **body)["Responses"][0]["Error"]
        assert (error["Code"], error["Message"]) == ("AccessDenied", text(actions[0], arn))
        return
    told = refusal(abc, ann(), operation, **body)
    resource = "*" if kind in ACCOUNT and kind != "ListStreams" else arn
    assert told == text(actions[0], resource if kind != "ListStreams" else f"{TABLE[:-3]}*/stream/*")


@pytest.mark.parametrize("kind", STREAMS)
def test_who_has_no_policy_may_read_no_stream(api: Api, kind: str) -> None:
    arn, kinds = of_some_stream(api)
    operation, body, _ = kinds[kind]
    assert refusal(api, ann(), operation, **body) == text(operation, arn)


@pytest.mark.parametrize("kind", ITEMS + TABLES + ARNS + ACCOUNT)
def test_who_may_do_just_that_can_do_it(abc: Api, kind: str) -> None:
    operation, body, actions = {**of_items("abc"), **of_tables("abc"), **of_arns(TABLE), **of_the_account()}[kind]
    if operation == "CreateTable":
        body = {**body, "TableName": "other"}
    needed = [f"dynamodb:{action}" for action in actions]
    if operation == "EnableKinesisStreamingDestination":
        needed += ["kinesis:ListStreams", "kinesis:DescribeStream", "kinesis:PutRecords"]
    assert may(abc, ann(policy({"Action": needed})), operation, **body)


def test_a_transaction_needs_all_its_actions(abc: Api) -> None:
    operation, body, actions = of_items("abc")["transact write"]
    for missing in actions:
        who = ann(policy({"NotAction": f"dynamodb:{missing}"}))
        assert refusal(abc, who, operation, **body) == text(missing, TABLE)


@pytest.mark.parametrize("kind", requests(ANNS))
@pytest.mark.parametrize("known", [True, False])
def test_only_ones_own_items(abc: Api, kind: str, known: bool) -> None:
    """Also where this process does not know the table yet; twice, as statements are known then."""
    for key in ("dynamodb:LeadingKeys", "dynamodb:FirstPartitionKeyValues"):
        who = allowing(**{"ForAllValues:StringEquals": {key: "${aws:username}"}, "Null": {key: "false"}})
        for item, allowed in ((ANNS, True), (BOBS, False)) * 2:
            if not known:
                abc.restart()
            operation, body = requests(item)[kind]
            assert may(abc, who, operation, **body) is allowed


def test_one_item_of_others_among_several_is_refused(abc: Api) -> None:
    who = allowing(**OWN)
    assert may(abc, who, "BatchGetItem", RequestItems={"abc": {"Keys": [ANNS]}})
    assert not may(abc, who, "BatchGetItem", RequestItems={"abc": {"Keys": [ANNS, BOBS]}})
    writes = [{"PutRequest": {"Item": ANNS}}, {"DeleteRequest": {"Key": BOBS}}]
    assert not may(abc, who, "BatchWriteItem", RequestItems={"abc": writes})
    gets = [{"Get": {"TableName": "abc", "Key": key}} for key in (ANNS, BOBS)]
    assert not may(abc, who, "TransactGetItems", TransactItems=gets)
    assert may(abc, who, "ExecuteStatement", Statement="SELECT * FROM abc WHERE p IN ['ann']")
    assert not may(abc, who, "ExecuteStatement", Statement="SELECT * FROM abc WHERE p IN ['ann', 'bob']")
    assert not may(abc, who, "ExecuteStatement", Statement="SELECT * FROM abc WHERE p = 'ann' OR p = 'bob'")
    told = ask(abc, who, "BatchExecuteStatement", Statements=[
        {"Statement": f"SELECT * FROM abc WHERE p = '{name}'"} for name in ("ann", "bob")
    ])["Responses"]  # fmt: skip
    assert "Error" not in told[0]
    assert told[1]["Error"]["Code"] == "AccessDenied"


def test_numbers_are_compared_as_they_are_kept(api: Api) -> None:
    schema = {**CREATE, "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "N"}]}
    api("CreateTable", TableName="abc", **schema)
    who = allowing(**{"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "10"}})
    for number, allowed in (("10", True), ("10.0", True), ("1e1", True), ("11", False)):
        assert may(api, who, "GetItem", TableName="abc", Key={"p": {"N": number}}) is allowed


def test_what_was_allowed_for_one_key_is_judged_again_for_all_else(abc: Api) -> None:
    """A decision that asked for the leading key alone is known for its value, and for nothing else."""
    who, get = allowing(**OWN), {"TableName": "abc", "Key": ANNS}
    put = {"TableName": "abc", "Item": {**ANNS, "q": {"S": "x"}}}
    for _ in range(3):
        for own, operation in ((get, "GetItem"), (put, "PutItem"), (get, "DeleteItem")):
            assert may(abc, who, operation, **own)
            other = {"Item": BOBS} if operation == "PutItem" else {"Key": BOBS}
            assert not may(abc, who, operation, TableName="abc", **other)
    names = {"dynamodb:LeadingKeys": ["${aws:username}"], "dynamodb:Attributes": ["p"]}
    who = allowing(**{"ForAllValues:StringEquals": names})
    for _ in range(3):
        assert may(abc, who, "GetItem", **get, ProjectionExpression="p")
        assert not may(abc, who, "GetItem", **get, ProjectionExpression="p, q")
    who = allowing(**OWN, StringEquals={"dynamodb:ReturnValues": "NONE"})
    for _ in range(3):
        assert may(abc, who, "PutItem", **put)
        assert not may(abc, who, "PutItem", **put, ReturnValues="ALL_OLD")


def test_only_so_many_keys_are_known(abc: Api) -> None:
    who = allowing(StringLike={"dynamodb:LeadingKeys": "a*"})
    for number in [*range(200), *range(200)]:
        assert may(abc, who, "GetItem", TableName="abc", Key={"p": {"S": f"a{number}"}})
        assert not may(abc, who, "GetItem", TableName="abc", Key={"p": {"S": f"b{number}"}})


def test_a_scan_names_no_keys(abc: Api) -> None:
    """ForAllValues passes without values: so policies with it should not list Scan, AWS says."""
    assert may(abc, allowing(**OWN), "Scan", TableName="abc")
    assert not may(abc, allowing(**OWN, Null={"dynamodb:LeadingKeys": "false"}), "Scan", TableName="abc")


def test_an_index_is_a_resource_and_has_keys_of_its_own(api: Api) -> None:
    index = {
        "IndexName": "idx",
        "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    definitions = [*CREATE["AttributeDefinitions"], {"AttributeName": "g", "AttributeType": "S"}]
    api(
        "CreateTable",
        TableName="abc",
        **{**CREATE, "AttributeDefinitions": definitions},
        GlobalSecondaryIndexes=[index],
    )
    query = {"TableName": "abc", "IndexName": "idx", "KeyConditionExpression": "g = :g"}
    of_ann, of_bob = ({**query, "ExpressionAttributeValues": {":g": {"S": name}}} for name in ("ann", "bob"))
    table_only = ann(policy({"Resource": TABLE}))
    assert refusal(api, table_only, "Query", **of_ann) == text("Query", TABLE + "/index/idx")
    assert refusal(api, table_only, "Scan", TableName="abc", IndexName="idx") == text("Scan", TABLE + "/index/idx")
    assert may(api, ann(policy({"Resource": TABLE + "/index/*"})), "Query", **of_ann)
    assert may(api, allowing(**OWN), "Query", **of_ann)
    assert not may(api, allowing(**OWN), "Query", **of_bob)
    for name, allowed in (("ann", True), ("bob", False)):
        statement = f'SELECT * FROM "abc"."idx" WHERE g = \'{name}\''
        assert may(api, allowing(**OWN), "ExecuteStatement", Statement=statement) is allowed


def test_a_change_of_policies_counts_at_once(abc: Api) -> None:
    """A key that is looked up again is another principal."""
    get = {"TableName": "abc", "Key": ANNS}
    assert may(abc, ann(policy({})), "GetItem", **get)
    assert not may(abc, ann(), "GetItem", **get)
    assert may(abc, ann(policy({})), "GetItem", **get)


def test_a_deny_is_told_as_such(abc: Api) -> None:
    denied = policy({"Effect": "Deny", "Action": "dynamodb:GetItem", "Resource": TABLE})
    told = refusal(abc, ann(policy({}), denied), "GetItem", TableName="abc", Key=ANNS)
    assert told.endswith("with an explicit deny in an identity-based policy")
    chinese = TABLE.replace("us-east-1", "cn-north-1")
    denied = policy({"Effect": "Deny", "Action": "dynamodb:GetItem", "Resource": chinese})
    there = ann(policy({}), denied)._replace(region="cn-north-1")
    for name in ("abc", chinese, chinese.replace("arn:aws:", "arn:aws-cn:")):
        assert not may(abc, there, "GetItem", TableName=name, Key=ANNS), "no partition evades it"


def test_a_stream_is_a_resource(api: Api) -> None:
    arn = create(api, "abc")
    assert may(api, ann(policy({"Resource": arn})), "DescribeStream", StreamArn=arn)
    assert not may(api, ann(policy({"Resource": TABLE})), "DescribeStream", StreamArn=arn)


def test_many_patterns_are_not_held_against_many_attributes(abc: Api) -> None:
    """Whoever makes policies, and items, could have the loop stand for seconds with them."""
    names = [f"*{number}x" for number in range(1_500)]
    who = allowing(**{"ForAllValues:StringLike": {"dynamodb:Attributes": [*names, "p", "a*"]}})
    assert may(abc, who, "PutItem", TableName="abc", Item={**ANNS, "a1": {"S": "x"}})
    with pytest.raises(Fault) as caught:
        ask(abc, who, "PutItem", TableName="abc", Item={**ANNS, **{f"a{number}": {"S": ""} for number in range(2_000)}})
    assert caught.value.code == "ValidationException"


class Elsewhere:
    """A lane that answers nothing, but keeps what it is given."""

    def __init__(self) -> None:
        self.operations: list[str] = []

    def submit(self, request: Request) -> Reply:
        self.operations.append(request.operation)
        return Reply(200, b"{}")


@pytest.fixture
def lane(abc: Api) -> Elsewhere:
    lane = Elsewhere()
    abc.dispatcher = Dispatcher(abc.store, SHAPES, lambda request, fault: abc.faults.append(fault), lane=lane)
    return lane


def test_conditions_of_many_parts_are_judged_in_a_lane(abc: Api, lane: Elsewhere) -> None:
    """Each decision was bounded, but not a hundred of them: a transaction held up everybody for seconds."""
    names = [f"*{number}?" for number in range(100)]
    who = allowing(StringLike={"dynamodb:LeadingKeys": [*names, "b*"]})
    one = {"TableName": "abc", "Key": BOBS}
    assert may(abc, who, "GetItem", **one)
    assert not lane.operations
    puts = [{"Put": {"TableName": "abc", "Item": {"p": {"S": f"b{number}"}}}} for number in range(100)]
    ask(abc, who, "TransactWriteItems", TransactItems=puts)
    keys = [{"p": {"S": f"b{number}"}} for number in range(100)]
    ask(abc, who, "BatchGetItem", RequestItems={"abc": {"Keys": keys}})
    assert lane.operations == ["TransactWriteItems", "BatchGetItem"]


def test_usual_conditions_of_many_parts_are_judged_here(abc: Api, lane: Elsewhere) -> None:
    who = allowing(StringLike={"dynamodb:LeadingKeys": ["a*", "b*"]}, Bool={"aws:SecureTransport": "false"})
    keys = [{"p": {"S": f"b{number}"}} for number in range(100)]
    assert may(abc, who, "BatchGetItem", RequestItems={"abc": {"Keys": keys}})
    assert may(abc, who, "TransactGetItems", TransactItems=[{"Get": {"TableName": "abc", "Key": key}} for key in keys])
    assert not lane.operations


def test_what_much_is_to_be_decided_of_is_decided_between_others(
    abc: Api, lane: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, and in slices: what comes after it finds it decided."""
    others = [policy({"Resource": [f"arn:aws:a:::*{number}x{many}" for many in range(250)]}) for number in range(50)]
    who = ann(policy({}), *others)
    turns: list[object] = []
    wait = Turns.wait

    def counted(own: Turns, source: object, first: bool = False) -> Any:
        turns.append(source)
        return wait(own, source, first)

    monkeypatch.setattr(Turns, "wait", counted)
    assert may(abc, who, "GetItem", TableName="abc", Key=BOBS)
    assert len(turns) > 5
    turns.clear()
    assert may(abc, who, "GetItem", TableName="abc", Key=BOBS)
    assert (turns, lane.operations) == ([], [])


def test_who_sends_changes_to_a_data_stream_may_write_to_it(abc: Api) -> None:
    """Else the right to DynamoDB's operation would be one to every stream that the server may write to."""
    enable = {"TableName": "abc", "StreamArn": KINESIS}
    own = policy({"Action": "dynamodb:*"})
    lists = policy({"Action": "kinesis:ListStreams"})
    for rights, missing in (
        ((own,), "kinesis:ListStreams on resource: *"),
        ((own, lists), f"kinesis:DescribeStream on resource: {KINESIS}"),
        ((own, lists, policy({"Action": "kinesis:DescribeStream", "Resource": KINESIS})), "kinesis:PutRecords"),
    ):
        assert missing in refusal(abc, ann(*rights), "EnableKinesisStreamingDestination", **enable)
    writes = policy({"Action": ["kinesis:DescribeStream", "kinesis:PutRecords"], "Resource": KINESIS})
    assert may(abc, ann(own, lists, writes), "EnableKinesisStreamingDestination", **enable)
