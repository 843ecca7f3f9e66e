"""Condition keys of policies beyond those of keys: attributes, what is asked for, tags, where, who and when."""

from typing import Any

import pytest
from tests.access.kit import of_resource, policy
from tests.api.test_gate import (
    CREATE,
)
from tests.api.with_policies import ANN, ANNS, NUMBER, TABLE, allowing, ann, may, only, refusal, requests
from tests.in_process import Api

from statordb.model.request import Origin, Principal


@pytest.fixture
def abc(api: Api) -> Api:
    api("CreateTable", TableName="abc", **CREATE)
    return api


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
