"""Policies in force: what an identity may do, by every condition key, on the short ways and the long ones."""

import inspect
from typing import Any

import orjson
import pytest
from tests.access.kit import of_resource, policy
from tests.api.streams import create
from tests.api.test_gate import (
    ACCOUNT,
    ARNS,
    CREATE,
    ITEMS,
    STREAMS,
    TABLES,
    of_arns,
    of_items,
    of_some_stream,
    of_tables,
    of_the_account,
)
from tests.in_process import SHAPES, Api, Fault

from statordb.access.authority import Authority
from statordb.access.document import Policy
from statordb.api.dispatch import Dispatcher
from statordb.commands.turns import Turns
from statordb.model.request import NOWHERE, Origin, Principal, Reply, Request

NUMBER = "000000000000"
ANN = f"arn:aws:iam::{NUMBER}:user/ann"
TABLE = f"arn:aws:dynamodb:us-east-1:{NUMBER}:table/abc"
OWN = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]}}
ANNS, BOBS = {"p": {"S": "ann"}}, {"p": {"S": "bob"}}


def ann(*policies: Policy, **others: Any) -> Principal:
    authority = Authority("user", ANN, NUMBER, "AIDAANN", "ann", policies, **others)
    return Principal(NUMBER, "AKIAANN", "us-east-1", ANN, authority)


def allowing(**condition: Any) -> Principal:
    """Who may do everything on one condition."""
    return ann(policy({"Condition": condition}))


def ask(api: Api, who: Principal, operation: str, origin: Origin = NOWHERE, **body: Any) -> Any:
    async def handle() -> Any:
        reply = api.dispatcher.handle(Request(operation, orjson.dumps(body), who, "id", origin=origin))
        return await reply if inspect.isawaitable(reply) else reply

    reply = api.run(handle())
    if api.faults:
        raise api.faults.pop()
    answer = orjson.loads(reply.body or b"{}")
    if reply.status != 200:
        raise Fault(str(reply.error), answer)
    return answer


def refusal(api: Api, who: Principal, operation: str, origin: Origin = NOWHERE, **body: Any) -> str:
    """The text of AccessDeniedException."""
    with pytest.raises(Fault) as caught:
        ask(api, who, operation, origin, **body)
    assert caught.value.code == "AccessDeniedException"
    assert caught.value.body["__type"] == "com.amazon.coral.service#AccessDeniedException"
    return str(caught.value.body["Message"])


def may(api: Api, who: Principal, operation: str, origin: Origin = NOWHERE, **body: Any) -> bool:
    """Whether it is allowed, whatever else comes of it."""
    try:
        ask(api, who, operation, origin, **body)
    except Fault as fault:
        return fault.code != "AccessDeniedException"
    return True


@pytest.fixture
def abc(api: Api) -> Api:
    api("CreateTable", TableName="abc", **CREATE)
    return api


def text(action: str, resource: str) -> str:
    return (
        f"User: {ANN} is not authorized to perform: dynamodb:{action} on resource: {resource} "
        f"because no identity-based policy allows the dynamodb:{action} action"
    )


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
    assert may(abc, ann(policy({"Action": [f"dynamodb:{action}" for action in actions]})), operation, **body)


def test_a_transaction_needs_all_its_actions(abc: Api) -> None:
    operation, body, actions = of_items("abc")["transact write"]
    for missing in actions:
        who = ann(policy({"NotAction": f"dynamodb:{missing}"}))
        assert refusal(abc, who, operation, **body) == text(missing, TABLE)


def requests(item: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Requests of each kind for one item, on the short ways and beside them."""
    at, value = {"TableName": "abc"}, item["p"]["S"]
    where = f"WHERE p = '{value}'"
    values = {":p": {"S": value}}
    update = {**at, "Key": item, "UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"S": "1"}}}
    return {
        "get": ("GetItem", {**at, "Key": item}),
        "long get": ("GetItem", {**at, "Key": item, "ReturnConsumedCapacity": "TOTAL"}),
        "put": ("PutItem", {**at, "Item": item}),
        "long put": ("PutItem", {**at, "Item": item, "ReturnValues": "ALL_OLD"}),
        "update": ("UpdateItem", update),
        "long update": ("UpdateItem", {**update, "ReturnConsumedCapacity": "TOTAL"}),
        "delete": ("DeleteItem", {**at, "Key": item}),
        "query": ("Query", {**at, "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": values}),
        "legacy query": (
            "Query",
            {**at, "KeyConditions": {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [item["p"]]}}},
        ),
        "batch get": ("BatchGetItem", {"RequestItems": {"abc": {"Keys": [item]}}}),
        "batch put": ("BatchWriteItem", {"RequestItems": {"abc": [{"PutRequest": {"Item": item}}]}}),
        "batch delete": ("BatchWriteItem", {"RequestItems": {TABLE: [{"DeleteRequest": {"Key": item}}]}}),
        "transact get": ("TransactGetItems", {"TransactItems": [{"Get": {**at, "Key": item}}]}),
        "transact put": ("TransactWriteItems", {"TransactItems": [{"Put": {**at, "Item": item}}]}),
        "transact check": (
            "TransactWriteItems",
            {"TransactItems": [{"ConditionCheck": {**at, "Key": item, "ConditionExpression": "attribute_exists(p)"}}]},
        ),
        "select": ("ExecuteStatement", {"Statement": f"SELECT * FROM abc {where}"}),
        "select with a parameter": (
            "ExecuteStatement",
            {"Statement": "SELECT * FROM abc WHERE p = ?", "Parameters": [item["p"]]},
        ),
        "insert": ("ExecuteStatement", {"Statement": f"INSERT INTO abc VALUE {{'p': '{value}'}}"}),
        "change": ("ExecuteStatement", {"Statement": f"UPDATE abc SET n = 1 {where}"}),
        "erase": ("ExecuteStatement", {"Statement": f"DELETE FROM abc {where}"}),
        "transaction of statements": (
            "ExecuteTransaction",
            {"TransactStatements": [{"Statement": f"UPDATE abc SET n = 1 {where}"}]},
        ),
    }


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


def only(*names: str) -> Principal:
    return allowing(**{"ForAllValues:StringEquals": {"dynamodb:Attributes": list(names)}})


@pytest.mark.parametrize(
    ("operation", "body", "names"),
    [
        ("GetItem", {"Key": ANNS}, "p"),
        ("GetItem", {"Key": ANNS, "ProjectionExpression": "a, b.c"}, "pab"),
        ("GetItem", {"Key": ANNS, "AttributesToGet": ["a"]}, "pa"),
        ("PutItem", {"Item": {**ANNS, "a": {"S": "1"}}}, "pa"),
        ("PutItem", {"Item": ANNS, "ConditionExpression": "attribute_not_exists(b)"}, "pb"),
        ("DeleteItem", {"Key": ANNS, "ConditionExpression": "attribute_not_exists(b)"}, "pb"),
        ("UpdateItem", {"Key": ANNS, "UpdateExpression": "REMOVE a"}, "pa"),
        ("UpdateItem", {"Key": ANNS, "UpdateExpression": "SET a = if_not_exists(b, c)"}, "pabc"),
        ("UpdateItem", {"Key": ANNS, "AttributeUpdates": {"a": {"Action": "DELETE"}}}, "pa"),
        (
            "Query",
            {
                "KeyConditionExpression": "p = :p", "FilterExpression": "a = :p", "ProjectionExpression": "b",
                "ExpressionAttributeValues": {":p": {"S": "ann"}},
            },
            "pab",
        ),
        ("Scan", {"FilterExpression": "attribute_exists(a)", "ProjectionExpression": "#b",
                  "ExpressionAttributeNames": {"#b": "b"}}, "ab"),
    ],
)  # fmt: skip
def test_only_some_attributes(abc: Api, operation: str, body: dict[str, Any], names: str) -> None:
    assert may(abc, only(*names), operation, TableName="abc", **body)
    for missing in names:
        assert not may(abc, only(*names.replace(missing, "")), operation, TableName="abc", **body)


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("SELECT a FROM abc WHERE p = 'ann' AND b = 1", "pab"),
        ("INSERT INTO abc VALUE {'p': 'ann', 'a': 1}", "pa"),
        ("UPDATE abc SET a = b WHERE p = 'ann' AND c = 1", "pabc"),
        ("DELETE FROM abc WHERE p = 'ann' AND c = 1", "pc"),
    ],
)
def test_only_some_attributes_in_statements(abc: Api, statement: str, names: str) -> None:
    assert may(abc, only(*names), "ExecuteStatement", Statement=statement)
    for missing in names:
        assert not may(abc, only(*names.replace(missing, "")), "ExecuteStatement", Statement=statement)


WHOLE = ("ALL_ATTRIBUTES", "SPECIFIC_ATTRIBUTES")
QUERY = {"TableName": "abc", "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "ann"}}}


@pytest.mark.parametrize(
    ("operation", "body", "select"),
    [
        ("GetItem", {"TableName": "abc", "Key": ANNS}, "ALL_ATTRIBUTES"),
        ("GetItem", {"TableName": "abc", "Key": ANNS, "ProjectionExpression": "p"}, "SPECIFIC_ATTRIBUTES"),
        ("BatchGetItem", {"RequestItems": {"abc": {"Keys": [ANNS]}}}, "ALL_ATTRIBUTES"),
        ("Query", QUERY, "ALL_ATTRIBUTES"),
        ("Query", {**QUERY, "Select": "COUNT"}, "COUNT"),
        ("Query", {**QUERY, "ProjectionExpression": "p"}, "SPECIFIC_ATTRIBUTES"),
        ("Query", {**QUERY, "IndexName": "idx"}, "ALL_PROJECTED_ATTRIBUTES"),
        ("Scan", {"TableName": "abc"}, "ALL_ATTRIBUTES"),
        ("ExecuteStatement", {"Statement": "SELECT * FROM abc WHERE p = 'ann'"}, "ALL_ATTRIBUTES"),
        ("ExecuteStatement", {"Statement": "SELECT p FROM abc WHERE p = 'ann'"}, "SPECIFIC_ATTRIBUTES"),
    ],
)
def test_what_is_selected_is_known_also_where_it_is_not_given(
    abc: Api, operation: str, body: dict[str, Any], select: str
) -> None:
    for value in (*WHOLE, "ALL_PROJECTED_ATTRIBUTES", "COUNT"):
        who = allowing(StringEquals={"dynamodb:Select": value})
        assert may(abc, who, operation, **body) is (value == select)


def test_what_a_write_may_return(abc: Api) -> None:
    who = allowing(StringEquals={"dynamodb:ReturnValues": ["NONE", "UPDATED_NEW"]})
    update = {**requests(ANNS)["update"][1]}
    assert may(abc, who, "UpdateItem", **update)
    assert may(abc, who, "UpdateItem", **update, ReturnValues="UPDATED_NEW")
    assert not may(abc, who, "UpdateItem", **update, ReturnValues="ALL_NEW")
    assert not may(abc, who, "DeleteItem", TableName="abc", Key=ANNS, ReturnValues="ALL_OLD")
    assert may(abc, who, "ExecuteStatement", Statement="DELETE FROM abc WHERE p = 'ann'")
    assert not may(abc, who, "ExecuteStatement", Statement="DELETE FROM abc WHERE p = 'ann' RETURNING ALL OLD *")


def test_whether_capacity_may_be_asked_for(abc: Api) -> None:
    who = allowing(StringEquals={"dynamodb:ReturnConsumedCapacity": "NONE"})
    for operation, body in (("GetItem", {"TableName": "abc", "Key": ANNS}), ("Scan", {"TableName": "abc"})):
        assert may(abc, who, operation, **body)
        assert not may(abc, who, operation, **body, ReturnConsumedCapacity="TOTAL")


def test_only_within_transactions(abc: Api) -> None:
    """AWS's own example: developer guide, "IAM and transactions"."""
    who = allowing(**{"ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": ["TransactWriteItems"]}})
    assert may(abc, who, *(item := requests(ANNS)["transact put"])[:1], **item[1])
    assert not may(abc, who, "PutItem", TableName="abc", Item=ANNS)
    operation, body = requests(ANNS)["transaction of statements"]
    assert not may(abc, who, operation, **body)
    inside = allowing(StringEquals={"dynamodb:EnclosingOperation": "ExecuteTransaction"})
    assert may(abc, inside, operation, **body)


def test_statements_that_read_everything_can_be_refused(abc: Api) -> None:
    who = ann(policy({"Effect": "Deny", "Condition": {"Bool": {"dynamodb:FullTableScan": "true"}}}, {}))
    assert may(abc, who, "ExecuteStatement", Statement="SELECT * FROM abc WHERE p = 'ann'")
    assert not may(abc, who, "ExecuteStatement", Statement="SELECT * FROM abc")
    assert may(abc, who, "Scan", TableName="abc"), "the key is of statements only"


def test_tags_of_tables_and_of_requests(abc: Api) -> None:
    red, blue = ([{"Key": "Team", "Value": value}] for value in ("red", "blue"))
    tagging = allowing(StringEquals={"aws:RequestTag/team": "red"})
    assert not may(abc, tagging, "TagResource", ResourceArn=TABLE, Tags=blue)
    assert may(abc, tagging, "TagResource", ResourceArn=TABLE, Tags=red)
    assert not may(abc, tagging, "CreateTable", TableName="def", **CREATE)
    assert may(abc, tagging, "CreateTable", TableName="def", Tags=red, **CREATE)
    keys = allowing(**{"ForAnyValue:StringEquals": {"aws:TagKeys": "Team"}})
    assert may(abc, keys, "UntagResource", ResourceArn=TABLE, TagKeys=["Team"])
    assert not may(abc, keys, "UntagResource", ResourceArn=TABLE, TagKeys=["Other"])
    abc("TagResource", ResourceArn=TABLE, Tags=red)
    for value, allowed in (("red", True), ("blue", False)):
        who = allowing(StringEquals={"aws:ResourceTag/Team": value})
        for operation, body in (("GetItem", {"Key": ANNS}), ("DescribeTable", {})):
            assert may(abc, who, operation, TableName="abc", **body) is allowed
    abc("UntagResource", ResourceArn=TABLE, TagKeys=["Team"])
    assert not may(abc, allowing(StringEquals={"aws:ResourceTag/Team": "red"}), "GetItem", TableName="abc", Key=ANNS)


INSIDE = Origin("10.0.0.7", True, "vpce-1", "vpc-1", agent="aws-cli/2.0 lang/python")
OUTSIDE = Origin("203.0.113.7", False, referer="https://example.com/page")


@pytest.mark.parametrize(
    ("condition", "inside", "outside"),
    [
        ({"Bool": {"aws:SecureTransport": "true"}}, True, False),
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, True, False),
        ({"StringEquals": {"aws:SourceVpc": "vpc-1"}}, True, False),
        ({"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}}, True, False),
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, False, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False, False),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, True, True),
        ({"StringEquals": {"aws:PrincipalAccount": NUMBER, "aws:ResourceAccount": NUMBER}}, True, True),
        ({"ArnEquals": {"aws:PrincipalArn": ANN}, "StringEquals": {"aws:PrincipalType": "User"}}, True, True),
        ({"StringEquals": {"aws:userid": "AIDAANN", "aws:username": "ann"}}, True, True),
        ({"StringEquals": {"aws:PrincipalTag/Team": "red"}}, True, True),
        ({"DateLessThan": {"aws:CurrentTime": "2023-11-15T00:00:00Z"}}, True, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2023-11-15T00:00:00Z"}}, False, False),
        ({"NumericLessThan": {"aws:EpochTime": "1700000001"}}, True, True),
        ({"DateLessThan": {"aws:TokenIssueTime": "2023-11-15T00:00:00Z"}}, True, True),
        ({"Bool": {"aws:ViaAWSService": "false", "aws:PrincipalIsAWSService": "false"}}, True, True),
        ({"Bool": {"aws:MultiFactorAuthPresent": "false"}}, False, False),  # of long-term keys nothing is known
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}, True, True),
        ({"StringLike": {"aws:UserAgent": "aws-cli/*"}}, True, False),
        ({"StringNotLike": {"aws:UserAgent": "aws-cli/*"}}, False, True),
        ({"StringLike": {"aws:Referer": "https://*"}}, False, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}, False, False),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}, True, True),
    ],
)
def test_where_who_and_when(abc: Api, condition: dict[str, Any], inside: bool, outside: bool) -> None:
    facts = {"aws:PrincipalTag/team": "red", "aws:TokenIssueTime": "2023-11-14T00:00:00Z"}
    who = ann(policy({"Condition": condition}), facts=facts)
    for origin, allowed in ((INSIDE, inside), (OUTSIDE, outside)) * 2:
        assert may(abc, who, "GetItem", origin, TableName="abc", Key=ANNS) is allowed


def test_an_endpoint_has_a_say_in_what_the_root_does(abc: Api) -> None:
    root = Principal(NUMBER, "local", "us-east-1", f"arn:aws:iam::{NUMBER}:root")
    through = INSIDE._replace(policy=of_resource({"Action": "dynamodb:GetItem"}))
    assert may(abc, root, "PutItem", TableName="abc", Item=ANNS)
    assert may(abc, root, "GetItem", through, TableName="abc", Key=ANNS)
    assert refusal(abc, root, "PutItem", through, TableName="abc", Item=ANNS).endswith(
        "because no VPC endpoint policy allows the dynamodb:PutItem action"
    )
    assert may(abc, root, "PutItem", TableName="abc", Item=ANNS)


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
