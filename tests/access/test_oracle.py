"""Others' judgement of the same cases: moto's IAM engine, and examples of AWS's documentation.

moto judges Action, NotAction, Resource and the order of effects. What it is known to judge otherwise than AWS is not
put to it: it tells case in actions (IAM user guide, "IAM JSON policy elements: Action": they have none), knows no `?`
and no NotResource ("... NotResource"), and takes an Allow whose condition does not hold for a Deny ("Policy evaluation
logic").
"""

import json
import random
from typing import Any

import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult
from tests.access.kit import ACCOUNT, Statement, may, of_resource, policy, text, user

ACTIONS = [
    "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:DescribeTable",
    "dynamodb:ListTables", "iam:GetUser",
]  # fmt: skip
NAMES = ["Books", "Books2", "Books/index/year", "Books/stream/2026", "users/a"]
RESOURCES = [f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{name}" for name in NAMES]
ACTION_PATTERNS = [*ACTIONS, "*", "dynamodb:*", "dynamodb:*Item", "dynamodb:Batch*Item", "dynamodb:*Ta*", "iam:*"]
RESOURCE_PATTERNS = [
    *RESOURCES, "*", "arn:aws:dynamodb:*:*:table/*", "arn:aws:dynamodb:us-east-1:*:table/Books*",
    f"arn:aws:dynamodb:*:{ACCOUNT}:table/*/index/*", "arn:aws:dynamodb:eu-west-1:*:*", "arn:aws:dynamodb:*:*:table/*s*",
]  # fmt: skip
CASES = 800


def some_policies(dice: random.Random) -> list[list[Statement]]:
    def statement() -> Statement:
        element = dice.choice(["Action", "Action", "NotAction"])
        return {
            "Effect": dice.choice(["Allow", "Allow", "Deny"]),
            element: dice.sample(ACTION_PATTERNS, dice.randint(1, 2)),
            "Resource": dice.choice([dice.choice(RESOURCE_PATTERNS), dice.sample(RESOURCE_PATTERNS, 2)]),
        }

    return [[statement() for _ in range(dice.randint(1, 3))] for _ in range(dice.randint(1, 3))]


def by_moto(policies: list[list[Statement]], action: str, resource: str) -> bool:
    results = [
        IAMPolicy({"policy_document": text(*each)}).is_action_permitted(action, resource=resource) for each in policies
    ]
    return PermissionResult.DENIED not in results and PermissionResult.PERMITTED in results


@pytest.mark.parametrize("part", range(8))
def test_moto_decides_alike(part: int) -> None:
    decided = []
    for case in range(part * CASES // 8, (part + 1) * CASES // 8):
        dice = random.Random(case)
        policies = some_policies(dice)
        action, resource = dice.choice(ACTIONS), dice.choice(RESOURCES)
        expected = by_moto(policies, action, resource)
        decided.append(expected)
        assert may(user(*(policy(*each) for each in policies)), action, resource) is expected, json.dumps(policies)
    assert {True, False} == set(decided)


Example = tuple[str, list[Statement], str, str, dict[str, Any], bool]

MOBILE: list[Statement] = [
    {
        "Sid": "AllowAccessToOnlyItemsMatchingUserID",
        "Action": ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem"],
        "Resource": ["arn:aws:dynamodb:us-west-2:123456789012:table/GameScores"],
        "Condition": {
            "ForAllValues:StringEquals": {
                "dynamodb:LeadingKeys": ["${www.amazon.com:user_id}"],
                "dynamodb:Attributes": ["UserId", "GameTitle", "Wins", "Losses"],
            },
            "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
        },
    }
]
SCORES = "arn:aws:dynamodb:us-west-2:123456789012:table/GameScores"
OWN = {"www.amazon.com:user_id": ("ann",), "dynamodb:leadingkeys": ("ann",), "dynamodb:attributes": ("UserId", "Wins")}
TAGGED: list[Statement] = [{
    "Action": ["ec2:StartInstances"], "Resource": "*",
    "Condition": {"StringEquals": {"aws:ResourceTag/Owner": "${aws:username}"}},
}]  # fmt: skip
BY_ADDRESS: list[Statement] = [
    {"Action": "*"},
    {"Effect": "Deny", "Condition": {"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "203.0.113.0/24"]}}},
]
DATES: list[Statement] = [{
    "Action": "dynamodb:*",
    "Condition": {
        "DateGreaterThan": {"aws:CurrentTime": "2020-04-01T00:00:00Z"},
        "DateLessThan": {"aws:CurrentTime": "2020-06-30T23:59:59Z"},
    },
}]  # fmt: skip
SCANNED: list[Statement] = [
    {"Effect": "Deny", "Action": "dynamodb:PartiQLSelect", "Condition": {"Bool": {"dynamodb:FullTableScan": ["true"]}}},
    {"Action": "dynamodb:PartiQLSelect"},
]
BY_DEFAULT: list[Statement] = [{
    "Resource": "arn:aws:s3:::amzn-s3-demo-bucket/${aws:PrincipalTag/team, 'company-wide'}/*",
}]  # fmt: skip
NO_MFA: list[Statement] = [
    {"Action": "*"},
    {"Effect": "Deny", "NotAction": "iam:*", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}},
]
TAG_KEYS: list[Statement] = [{
    "Action": "ec2:CreateTags", "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["environment", "cost"]}},
}]  # fmt: skip

EXAMPLES: list[Example] = [
    # DynamoDB developer guide, "Using IAM policy conditions for fine-grained access control"
    ("own items", MOBILE, "dynamodb:GetItem", SCORES, {**OWN, "dynamodb:select": ("SPECIFIC_ATTRIBUTES",)}, True),
    ("whole items", MOBILE, "dynamodb:GetItem", SCORES, {**OWN, "dynamodb:select": ("ALL_ATTRIBUTES",)}, False),
    ("a write has no Select", MOBILE, "dynamodb:PutItem", SCORES, OWN, True),
    ("others' items", MOBILE, "dynamodb:GetItem", SCORES, {**OWN, "dynamodb:leadingkeys": ("ann", "bob")}, False),
    ("others' attributes", MOBILE, "dynamodb:PutItem", SCORES, {**OWN, "dynamodb:attributes": ("TopScore",)}, False),
    ("nobody", MOBILE, "dynamodb:PutItem", SCORES, {"dynamodb:leadingkeys": ("ann",)}, False),
    # the same, "IAM security policies with PartiQL for DynamoDB"
    ("a full scan", SCANNED, "dynamodb:PartiQLSelect", SCORES, {"dynamodb:fulltablescan": ("true",)}, False),
    ("no full scan", SCANNED, "dynamodb:PartiQLSelect", SCORES, {"dynamodb:fulltablescan": ("false",)}, True),
    # IAM user guide, "IAM JSON policy elements: Condition"
    ("own instance", TAGGED, "ec2:StartInstances", "*",
     {"aws:resourcetag/owner": ("ann",), "aws:username": ("ann",)}, True),
    ("another's instance", TAGGED, "ec2:StartInstances", "*",
     {"aws:resourcetag/owner": ("bob",), "aws:username": ("ann",)}, False),
    ("no tag", TAGGED, "ec2:StartInstances", "*", {"aws:username": ("ann",)}, False),
    # the same, "AWS: Denies access to AWS based on the source IP"
    ("from inside", BY_ADDRESS, "s3:GetObject", "*", {"aws:sourceip": ("203.0.113.7",)}, True),
    ("from outside", BY_ADDRESS, "s3:GetObject", "*", {"aws:sourceip": ("198.51.100.7",)}, False),
    # the same, "AWS: Allows access based on date and time"
    ("in time", DATES, "dynamodb:GetItem", SCORES, {"aws:currenttime": ("2020-05-01T12:00:00Z",)}, True),
    ("too early", DATES, "dynamodb:GetItem", SCORES, {"aws:currenttime": ("2020-03-31T12:00:00Z",)}, False),
    ("too late", DATES, "dynamodb:GetItem", SCORES, {"aws:currenttime": ("2020-07-01",)}, False),
    # the same, "IAM policy elements: Variables and tags"
    ("a tag", BY_DEFAULT, "s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket/red/x",
     {"aws:principaltag/team": ("red",)}, True),
    ("no tag, but a default", BY_DEFAULT, "s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket/company-wide/x", {}, True),
    ("another's", BY_DEFAULT, "s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket/blue/x",
     {"aws:principaltag/team": ("red",)}, False),
    # the same, "IAM JSON policy elements: Condition operators", "...IfExists condition operators"
    ("signed in without MFA", NO_MFA, "s3:GetObject", "*", {"aws:multifactorauthpresent": ("false",)}, False),
    ("with a long-term key", NO_MFA, "s3:GetObject", "*", {}, False),
    ("what is excepted", NO_MFA, "iam:GetUser", "*", {}, True),
    ("with MFA", NO_MFA, "s3:GetObject", "*", {"aws:multifactorauthpresent": ("true",)}, True),
    # the same, "Set operators for multivalued context keys"
    ("some tags", TAG_KEYS, "ec2:CreateTags", "*", {"aws:tagkeys": ("environment",)}, True),
    ("one tag more", TAG_KEYS, "ec2:CreateTags", "*", {"aws:tagkeys": ("environment", "owner")}, False),
    ("no tags", TAG_KEYS, "ec2:CreateTags", "*", {}, True),
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_examples_of_the_documentation(example: Example) -> None:
    _, statements, action, resource, facts, allowed = example
    assert may(user(policy(*statements)), action, resource, facts=facts) is allowed


def test_an_endpoint_that_lets_through_one_account_only() -> None:
    """VPC user guide, "Control access to VPC endpoints using endpoint policies"."""
    own = of_resource({"Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}})
    who = user(policy({}))
    assert may(who, by_endpoint=own, facts={"aws:principalaccount": (ACCOUNT,)})
    assert not may(who, by_endpoint=own, facts={"aws:principalaccount": ("1" * 12,)})
