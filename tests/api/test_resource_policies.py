"""Policies of tables and streams: what is kept and given back, what is refused, and that they count."""

import json
from typing import Any

import pytest
from tests.access.kit import policy
from tests.api.streams import create
from tests.api.test_gate import CREATE
from tests.api.with_policies import ANNS, NUMBER, ann, ask, may, refusal
from tests.in_process import PRINCIPAL, Api, Fault

from statordb.access.authority import Authority
from statordb.model.request import Principal

ARN = f"arn:aws:dynamodb:us-east-1:{NUMBER}:table/abc"
OTHER = "111111111111"
INVALID = "One or more parameter values were invalid: Invalid policy document: "
LETS_ANN_READ = {
    "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{NUMBER}:user/ann"}, "Action": "dynamodb:GetItem",
    "Resource": ARN,
}  # fmt: skip
GET = {"TableName": "abc", "Key": ANNS}


def document(*statements: Any, **head: Any) -> str:
    return json.dumps({"Version": "2012-10-17", **head, "Statement": list(statements)})


def denying(action: str, who: Any = "*") -> str:
    return document({"Effect": "Deny", "Principal": who, "Action": f"dynamodb:{action}", "Resource": ARN})


@pytest.fixture
def abc(api: Api) -> Api:
    api("CreateTable", TableName="abc", **CREATE)
    return api


def put(api: Api, text: str, **more: Any) -> str:
    return str(api("PutResourcePolicy", ResourceArn=ARN, Policy=text, **more)["RevisionId"])


def got(api: Api) -> Any:
    return api("GetResourcePolicy", ResourceArn=ARN)


def test_a_policy_is_put_got_and_deleted(abc: Api) -> None:
    assert abc("DeleteResourcePolicy", ResourceArn=ARN) == {}
    revision = put(abc, document(LETS_ANN_READ))
    assert revision == str(int(abc.clock.now() * 1000))
    assert got(abc)["RevisionId"] == revision
    abc.restart()
    assert got(abc)["RevisionId"] == revision, "it is kept"
    deleted = abc("DeleteResourcePolicy", ResourceArn=ARN)["RevisionId"]
    assert int(deleted) > int(revision)
    assert abc.refused("GetResourcePolicy", ResourceArn=ARN).code == "PolicyNotFoundException"
    assert abc("DeleteResourcePolicy", ResourceArn=ARN) == {"RevisionId": deleted}
    assert int(put(abc, document(LETS_ANN_READ))) > int(deleted)


def test_what_comes_back_is_in_normal_form(abc: Api) -> None:
    """As measured on AWS: API quirks of aws-controllers-k8s, TABLE-208 and TABLE-351 to -355."""
    text = json.dumps(
        {
            "Statement": {
                "Resource": [ARN], "Action": ["dynamodb:GetItem"], "Principal": {"AWS": [OTHER]}, "Effect": "Allow",
                "Sid": "one", "Condition": {"Bool": {"aws:SecureTransport": ["true"]}},
            }
        },
        indent=4,
    )  # fmt: skip
    revision = put(abc, text)
    assert got(abc)["Policy"] == (
        '{"Version":"2008-10-17","Statement":[{"Sid":"one","Effect":"Allow",'
        f'"Principal":{{"AWS":"arn:aws:iam::{OTHER}:root"}},"Action":"dynamodb:GetItem","Resource":"{ARN}",'
        '"Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}'
    )
    abc.clock.advance(60)
    assert put(abc, got(abc)["Policy"]) == revision, "the same in another form is no change"
    assert put(abc, document(LETS_ANN_READ)) != revision


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "Syntax error at position (1,3)"),
        ("", "This policy contains invalid Json"),
        ("[]", "This policy contains invalid Json"),
        ("null", "This text appears not to be a policy"),
        (document({}), "Missing required field Effect"),
        (document(), "Could not parse the policy: Statement is empty!"),
        (document({k: v for k, v in LETS_ANN_READ.items() if k != "Principal"}), "Missing required field Principal"),
        (
            document({**LETS_ANN_READ, "Sid": "a"}, {**LETS_ANN_READ, "Sid": "a"}),
            "Statement IDs (SID) in a single policy must be unique",
        ),
        (
            document({**LETS_ANN_READ, "Principal": "*"}),
            "The policy allows unbounded access: an Allow to everyone needs a condition",
        ),
        (document({**LETS_ANN_READ, "Principal": OTHER}), "Syntax errors in policy"),
    ],
)
def test_what_is_no_policy_is_refused(abc: Api, text: str, told: str) -> None:
    fault = abc.refused("PutResourcePolicy", ResourceArn=ARN, Policy=text)
    assert (fault.code, fault.message) == ("ValidationException", INVALID + told)
    made = abc.refused("CreateTable", **{"TableName": "def", **CREATE}, ResourcePolicy=text)
    assert made.message == INVALID + told
    assert abc("ListTables")["TableNames"] == ["abc"]


def test_its_size_has_a_maximum(abc: Api) -> None:
    text = document(LETS_ANN_READ)
    put(abc, text + " " * (20_480 - len(text)))
    assert abc.refused("PutResourcePolicy", ResourceArn=ARN, Policy=text + " " * 20_480).code == "ValidationException"


@pytest.mark.parametrize("operation", ["PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy"])
@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("abc", "ValidationException"), (ARN + "/index/idx", "ValidationException"),
        (ARN.replace(NUMBER, OTHER), "ValidationException"),
        (ARN.replace("us-east-1", "eu-west-1"), "ValidationException"), (ARN + "d", "ResourceNotFoundException"),
        (ARN + "/stream/2026-11-30T00:00:00.000", "ResourceNotFoundException"),
    ],
)  # fmt: skip
def test_what_has_no_policy(abc: Api, operation: str, arn: str, code: str) -> None:
    more = {"Policy": document(LETS_ANN_READ)} if operation.startswith("Put") else {}
    assert abc.refused(operation, ResourceArn=arn, **more).code == code


def test_a_revision_can_be_expected(abc: Api) -> None:
    text, other = document(LETS_ANN_READ), document({**LETS_ANN_READ, "Sid": "other"})
    assert abc.refused("PutResourcePolicy", ResourceArn=ARN, Policy=text, ExpectedRevisionId="1").code == (
        "PolicyNotFoundException"
    )
    revision = put(abc, text, ExpectedRevisionId="NO_POLICY")
    for wrong in ("NO_POLICY", "1"):
        fault = abc.refused("PutResourcePolicy", ResourceArn=ARN, Policy=other, ExpectedRevisionId=wrong)
        assert fault.code == "PolicyNotFoundException"
        fault = abc.refused("DeleteResourcePolicy", ResourceArn=ARN, ExpectedRevisionId=wrong)
        assert fault.code == "PolicyNotFoundException"
    newer = put(abc, other, ExpectedRevisionId=revision)
    assert abc("DeleteResourcePolicy", ResourceArn=ARN, ExpectedRevisionId=newer)["RevisionId"]


def test_nobody_locks_himself_out_unless_he_says_so(abc: Api) -> None:
    denies = denying("PutResourcePolicy")
    assert "ConfirmRemoveSelfResourceAccess" in abc.refused("PutResourcePolicy", ResourceArn=ARN, Policy=denies).message
    put(abc, denying("PutResourcePolicy", {"AWS": f"arn:aws:iam::{NUMBER}:user/ann"}))
    put(abc, denies, ConfirmRemoveSelfResourceAccess=True)
    assert abc.refused("PutResourcePolicy", ResourceArn=ARN, Policy=denies).code == "AccessDeniedException"
    assert abc("DeleteResourcePolicy", ResourceArn=ARN)["RevisionId"]


def test_the_root_may_always_delete(abc: Api) -> None:
    put(abc, denying("*Policy"), ConfirmRemoveSelfResourceAccess=True)
    assert abc.refused("GetResourcePolicy", ResourceArn=ARN).code == "AccessDeniedException"
    who = ann(policy({}))
    assert refusal(abc, who, "DeleteResourcePolicy", ResourceArn=ARN).endswith(
        "explicit deny in a resource-based policy"
    )
    assert abc("DeleteResourcePolicy", ResourceArn=ARN)["RevisionId"]


def test_a_policy_counts_at_once_and_for_the_root_too(abc: Api) -> None:
    """Whether the table is known or not, on the short ways and beside them."""
    for _ in range(2):
        assert may(abc, ann(), "GetItem", **GET) is False
        put(abc, document(LETS_ANN_READ))
        assert may(abc, ann(), "GetItem", **GET)
        assert may(abc, ann(), "GetItem", **GET, ReturnConsumedCapacity="TOTAL")
        assert not may(abc, ann(), "PutItem", TableName="abc", Item=ANNS)
        put(abc, denying("GetItem"))
        for who in (ann(policy({})), PRINCIPAL):
            told = refusal(abc, who, "GetItem", **GET)
            assert told.endswith("with an explicit deny in a resource-based policy")
        abc.restart()
        assert not may(abc, PRINCIPAL, "GetItem", **GET), "also where the table is not known yet"
        assert may(abc, PRINCIPAL, "PutItem", TableName="abc", Item=ANNS)
        abc("DeleteResourcePolicy", ResourceArn=ARN)
        assert may(abc, PRINCIPAL, "GetItem", **GET)


def test_indexes_are_covered_by_their_arns(api: Api) -> None:
    index = {"IndexName": "idx", "KeySchema": CREATE["KeySchema"], "Projection": {"ProjectionType": "ALL"}}
    api("CreateTable", TableName="abc", **CREATE, GlobalSecondaryIndexes=[index])
    put(api, document({**LETS_ANN_READ, "Action": "dynamodb:Scan", "Resource": ARN + "/index/idx"}))
    assert may(api, ann(), "Scan", TableName="abc", IndexName="idx")
    assert not may(api, ann(), "Scan", TableName="abc")


def test_a_table_is_made_with_its_policy(api: Api) -> None:
    api("CreateTable", TableName="abc", **CREATE, ResourcePolicy=document(LETS_ANN_READ))
    assert may(api, ann(), "GetItem", **GET)
    assert got(api)["RevisionId"]
    api("DeleteTable", TableName="abc")
    api("CreateTable", TableName="abc", **CREATE)
    assert api.refused("GetResourcePolicy", ResourceArn=ARN).code == "PolicyNotFoundException"
    assert not may(api, ann(), "GetItem", **GET)


def of_other(*policies: Any) -> Principal:
    arn = f"arn:aws:iam::{OTHER}:user/bob"
    return Principal(OTHER, "AKIABOB", "us-east-1", arn, Authority("user", arn, OTHER, "AIDABOB", "bob", policies))


def test_two_accounts_share_a_table(abc: Api) -> None:
    """By its ARN; and both sides have to allow it."""
    get = {**GET, "TableName": ARN}
    all_of_it = {**LETS_ANN_READ, "Principal": {"AWS": OTHER}, "Action": ["dynamodb:*Item", "dynamodb:Query"]}
    abc("PutItem", TableName="abc", Item=ANNS)
    bob = of_other(policy({}))
    assert refusal(abc, bob, "GetItem", **get).endswith("no resource-based policy allows the dynamodb:GetItem action")
    put(abc, document(all_of_it))
    assert ask(abc, bob, "GetItem", **get) == {"Item": ANNS}
    assert ask(abc, bob, "BatchGetItem", RequestItems={ARN: {"Keys": [ANNS]}})["Responses"] == {ARN: [ANNS]}
    assert ask(abc, bob, "PutItem", TableName=ARN, Item={"p": {"S": "bob"}}) == {}
    assert ask(abc, bob, "TransactGetItems", TransactItems=[{"Get": get}])["Responses"] == [{"Item": ANNS}]
    root = Principal(OTHER, OTHER, "us-east-1", f"arn:aws:iam::{OTHER}:root")
    assert may(abc, root, "GetItem", **get)
    assert refusal(abc, of_other(), "GetItem", **get).endswith(
        "no identity-based policy allows the dynamodb:GetItem action"
    )
    with pytest.raises(Fault, match="Access is denied"):
        ask(abc, bob, "DescribeTable", TableName=ARN)
    with pytest.raises(Fault, match="ResourceNotFound"):
        ask(abc, bob, "GetItem", **GET)
    abc("DeleteResourcePolicy", ResourceArn=ARN)
    assert not may(abc, bob, "GetItem", **get)


def test_a_stream_has_a_policy_of_its_own(api: Api) -> None:
    stream = create(api, "abc")
    bob = of_other(policy({}))
    lets = {
        "Effect": "Allow", "Principal": {"AWS": OTHER}, "Resource": stream,
        "Action": ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
    }  # fmt: skip
    assert not may(api, bob, "DescribeStream", StreamArn=stream)
    api("PutResourcePolicy", ResourceArn=stream, Policy=document(lets))
    assert api("GetResourcePolicy", ResourceArn=stream)["RevisionId"]
    assert api.refused("GetResourcePolicy", ResourceArn=ARN).code == "PolicyNotFoundException"
    shard = ask(api, bob, "DescribeStream", StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    at = {"StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    iterator = ask(api, bob, "GetShardIterator", **at)["ShardIterator"]
    assert ask(api, bob, "GetRecords", ShardIterator=iterator)["Records"] == []
    api("DeleteResourcePolicy", ResourceArn=stream)
    assert not may(api, bob, "GetRecords", ShardIterator=iterator)
