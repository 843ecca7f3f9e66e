"""Sentences of AWS's documentation on how policies are evaluated, each with a case for and a case against it.

IAM user guide, where nothing else is said; `facts` are what is known of a request, keys in lower case.
"""

from typing import Any

import pytest
from tests.access.kit import ACCOUNT, OTHER, TABLE, Statement, ask, may, of_resource, policy, role, user

from statordb.access.authority import Authority
from statordb.access.decision import Source
from statordb.access.facts import Values
from statordb.access.formats import MalformedPolicy

INDEX = f"{TABLE}/index/Year"
STREAM = f"{TABLE}/stream/2026-01-01T00:00:00.000"
Facts = dict[str, Values]
Case = tuple[str, Statement, Facts, bool]


def when(operator: str, key: str, value: Any) -> Statement:
    return {"Condition": {operator: {key: value}}}


# "IAM JSON policy elements: Condition operators": where the key is not in the request a condition does not hold, but
# for negated operators; the same with IfExists holds.
MISSING: list[Case] = [
    (operator, when(operator, "aws:SourceVpce", value), {}, holds)
    for operator, value, holds in (
        ("StringEquals", "vpce-1", False), ("StringEqualsIfExists", "vpce-1", True),
        ("StringNotEquals", "vpce-1", True), ("StringNotEqualsIfExists", "vpce-1", True),
        ("StringLike", "*", False), ("StringLikeIfExists", "x", True), ("StringNotLike", "*", True),
        ("StringEqualsIgnoreCase", "VPCE-1", False), ("StringNotEqualsIgnoreCase", "VPCE-1", True),
        ("NumericLessThan", "1", False), ("NumericLessThanIfExists", "1", True), ("NumericNotEquals", "1", True),
        ("DateLessThan", "2030-01-01", False), ("DateGreaterThanIfExists", "2030-01-01", True),
        ("Bool", "true", False), ("Bool", "false", False), ("BoolIfExists", "true", True),
        ("BinaryEquals", "QQ==", False), ("BinaryEqualsIfExists", "QQ==", True),
        ("IpAddress", "0.0.0.0/0", False), ("IpAddressIfExists", "10.0.0.0/8", True),
        ("NotIpAddress", "0.0.0.0/0", True), ("ArnLike", "arn:aws:*:*:*:*", False),
        ("ArnNotLike", "arn:aws:*:*:*:*", True), ("ArnEqualsIfExists", "arn:aws:s3:::b", True),
        ("Null", "true", True), ("Null", "false", False),
        ("ForAllValues:StringEquals", "a", True), ("ForAnyValue:StringEquals", "a", False),
        ("ForAllValues:StringNotEquals", "a", True), ("ForAnyValue:StringLikeIfExists", "a", True),
    )
]  # fmt: skip

# "Set operators for multivalued context keys": ForAllValues holds where every value of the request matches one of the
# policy's, ForAnyValue where one does.
SEVERAL: list[Case] = [
    (f"{operator} {values}", when(operator, "aws:TagKeys", ["a", "b"]), {"aws:tagkeys": values}, holds)
    for operator, values, holds in (
        ("ForAllValues:StringEquals", ("a",), True), ("ForAllValues:StringEquals", ("a", "b"), True),
        ("ForAllValues:StringEquals", ("a", "c"), False), ("ForAllValues:StringEquals", (), True),
        ("ForAnyValue:StringEquals", ("a", "c"), True), ("ForAnyValue:StringEquals", ("c",), False),
        ("ForAnyValue:StringEquals", (), False), ("ForAllValues:StringNotEquals", ("c", "d"), True),
        ("ForAllValues:StringNotEquals", ("a", "d"), False), ("ForAnyValue:StringNotEquals", ("a", "d"), True),
        ("ForAnyValue:StringNotEquals", ("a", "b"), False), ("ForAllValues:StringLike", ("b", "a"), True),
        ("ForAllValues:StringEqualsIgnoreCase", ("A", "B"), True), ("ForAnyValue:StringNotLike", ("ab",), True),
    )
]  # fmt: skip

# "Conditions with multiple context keys or values": all operators and all keys of one have to hold, and of its values
# one; with a negated operator none may match.
BOTH: Statement = {
    "Condition": {
        "StringEquals": {"aws:PrincipalTag/team": ["red", "blue"], "aws:RequestedRegion": "eu-west-1"},
        "NumericLessThanEquals": {"aws:MultiFactorAuthAge": "3600"},
    }
}
LOGIC: list[Case] = [
    (name, statement, facts, holds)
    for name, statement, facts, holds in (
        ("all hold", BOTH, {"aws:principaltag/team": ("blue",), "aws:requestedregion": ("eu-west-1",),
                            "aws:multifactorauthage": ("60",)}, True),
        ("one key fails", BOTH, {"aws:principaltag/team": ("blue",), "aws:requestedregion": ("us-east-1",),
                                 "aws:multifactorauthage": ("60",)}, False),
        ("one operator fails", BOTH, {"aws:principaltag/team": ("red",), "aws:requestedregion": ("eu-west-1",),
                                      "aws:multifactorauthage": ("7200",)}, False),
        ("one is missing", BOTH, {"aws:principaltag/team": ("red",), "aws:requestedregion": ("eu-west-1",)}, False),
        ("neither of two", when("StringNotEquals", "aws:PrincipalTag/team", ["red", "blue"]),
         {"aws:principaltag/team": ("green",)}, True),
        ("one of two", when("StringNotEquals", "aws:PrincipalTag/team", ["red", "blue"]),
         {"aws:principaltag/team": ("blue",)}, False),
        ("outside both", when("NotIpAddress", "aws:SourceIp", ["192.0.2.0/24", "203.0.113.0/24"]),
         {"aws:sourceip": ("198.51.100.1",)}, True),
        ("inside one", when("NotIpAddress", "aws:SourceIp", ["192.0.2.0/24", "203.0.113.0/24"]),
         {"aws:sourceip": ("203.0.113.1",)}, False),
    )
]  # fmt: skip

# "IAM policy elements: Variables and tags": a variable without a value makes a condition that must match fail, one with
# a default has that; a default is no wildcard, and what a request says is none either.
OF_HOME = when("StringLike", "s3:prefix", "home/${aws:username}/*")
OF_TEAM = when("StringEquals", "aws:ResourceTag/team", "${aws:PrincipalTag/team, 'none'}")
VARIABLES: list[Case] = [
    (name, statement, facts, holds)
    for name, statement, facts, holds in (
        ("own", OF_HOME, {"aws:username": ("ann",), "s3:prefix": ("home/ann/x",)}, True),
        ("another's", OF_HOME, {"aws:username": ("ann",), "s3:prefix": ("home/anna/x",)}, False),
        ("nobody's", OF_HOME, {"s3:prefix": ("home//x",)}, False),
        ("a name with a star", OF_HOME, {"aws:username": ("*",), "s3:prefix": ("home/bob/x",)}, False),
        ("the text itself", OF_HOME, {"s3:prefix": ("home/${aws:username}/x",)}, False),
        ("its default", OF_TEAM, {"aws:resourcetag/team": ("none",)}, True),
        ("its value before its default", OF_TEAM,
         {"aws:resourcetag/team": ("none",), "aws:principaltag/team": ("red",)}, False),
        ("a default that is empty", when("StringEquals", "aws:ResourceTag/team", "${aws:PrincipalTag/team, ''}"),
         {"aws:resourcetag/team": ("",)}, True),
        ("a default with a star", when("StringLike", "s3:prefix", "${aws:username, '*'}"),
         {"s3:prefix": ("anything",)}, False),
        ("case in a name", when("StringEquals", "aws:ResourceTag/Team", "${AWS:UserName}"),
         {"aws:resourcetag/team": ("ann",), "aws:username": ("ann",)}, True),
        ("several values", when("StringEquals", "s3:prefix", "${aws:TagKeys}"),
         {"s3:prefix": ("a",), "aws:tagkeys": ("a", "b")}, False),
    )
]  # fmt: skip

CASES = [*MISSING, *SEVERAL, *LOGIC, *VARIABLES]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_a_condition_holds_as_the_documentation_says(case: Case) -> None:
    """Of an Allow, and, where it does, of a Deny beside it."""
    _, statement, facts, holds = case
    assert may(user(policy(statement)), facts=facts) is holds
    denied = user(policy({}, {"Effect": "Deny", **statement}))
    if holds:
        assert not may(denied, facts=facts)
    elif all(len(values) == 1 for values in facts.values()) and "nobody" not in case[0]:
        assert may(denied, facts=facts)


# Which resources an element means: "IAM JSON policy elements: Resource" and "...: NotResource"; the DynamoDB developer
# guide's "Using indexes" says that an index is one of its own.
@pytest.mark.parametrize(
    ("statement", "resource", "allowed"),
    [
        ({"Resource": TABLE}, INDEX, False),
        ({"Resource": f"{TABLE}/*"}, INDEX, True),
        ({"Resource": f"{TABLE}/*"}, TABLE, False),
        ({"Resource": f"{TABLE}*"}, f"{TABLE}2", True),
        ({"Resource": f"{TABLE}/index/*"}, STREAM, False),
        ({"NotResource": TABLE}, TABLE, False),
        ({"NotResource": TABLE}, INDEX, True),
        ({"NotResource": [TABLE, f"{TABLE}/index/*"]}, INDEX, False),
        ({"NotResource": [TABLE, f"{TABLE}/index/*"]}, STREAM, True),
        ({"NotResource": "*"}, TABLE, False),
        ({"Resource": TABLE.replace("Books", "books")}, TABLE, False),
        ({"Resource": TABLE.replace("us-east-1", "*")}, TABLE, True),
        ({"Resource": TABLE.replace("Books", "B??ks")}, TABLE, True),
        ({"Resource": TABLE.replace("Books", "B?ks")}, TABLE, False),
    ],
)
def test_which_resources_a_statement_means(statement: Statement, resource: str, allowed: bool) -> None:
    assert may(user(policy(statement)), "dynamodb:Query", resource) is allowed
    denied = user(policy({}, {"Effect": "Deny", **statement}))
    assert may(denied, "dynamodb:Query", resource) is not allowed


@pytest.mark.parametrize(
    ("statement", "action", "allowed"),
    [
        ({"Action": "dynamodb:Get*"}, "dynamodb:GetItem", True),
        ({"Action": "dynamodb:Get*"}, "dynamodb:BatchGetItem", False),
        ({"Action": "DYNAMODB:getitem"}, "dynamodb:GetItem", True),
        ({"Action": "*:GetItem"}, "dynamodb:GetItem", True),
        ({"Action": "dynamodb:?etItem"}, "dynamodb:GetItem", True),
        ({"NotAction": "dynamodb:Delete*"}, "dynamodb:DeleteTable", False),
        ({"NotAction": "dynamodb:Delete*"}, "kms:Decrypt", True),
        ({"NotAction": ["dynamodb:*", "kms:*"]}, "kms:Decrypt", False),
    ],
)
def test_which_actions_a_statement_means(statement: Statement, action: str, allowed: bool) -> None:
    assert may(user(policy(statement)), action) is allowed


# "Policy evaluation logic": what a resource's policy allows, by whom it names, beside a boundary and a session's policy
# that say nothing of it.
NOTHING = policy({"Action": "s3:*"})
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/today"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"


def naming(arn: Any, **more: Any) -> Any:
    return of_resource({"Principal": {"AWS": arn}, **more})


@pytest.mark.parametrize(
    ("who", "named", "allowed"),
    [
        (user(), USER, True),
        (user(boundary=NOTHING), USER, True),
        (user(boundary=NOTHING), ACCOUNT, False),
        (user(), ACCOUNT, False),
        (user(policy({})), ACCOUNT, True),
        (role(), ROLE, True),
        (role(), SESSION, True),
        (role(boundary=NOTHING), ROLE, False),
        (role(session=(NOTHING,)), ROLE, False),
        (role(boundary=NOTHING), SESSION, True),
        (role(session=(NOTHING,)), SESSION, True),
        (role(), SESSION.replace("today", "tomorrow"), False),
        (user(), USER.replace("ann", "bob"), False),
    ],
)
def test_what_a_resource_allows_by_whom_it_names(who: Authority, named: str, allowed: bool) -> None:
    assert may(who, by_resource=naming(named)) is allowed


@pytest.mark.parametrize("who", [user(policy({}), boundary=policy({})), role(policy({}), session=(policy({}),))])
def test_a_deny_anywhere_ends_it(who: Authority) -> None:
    deny = {"Effect": "Deny"}
    assert may(who)
    assert not may(who._replace(policies=(policy({}, deny),)))
    assert not may(who._replace(boundary=policy({}, deny)), by_resource=naming(who.arn))
    assert not may(who._replace(session=(policy({}, deny),)), by_resource=naming(who.arn))
    assert not may(who, by_resource=of_resource({}, deny))
    assert not may(who, by_endpoint=of_resource({}, deny))


def test_a_session_has_what_its_policy_and_its_role_both_allow() -> None:
    """ "Session policies": the intersection, also of conditions."""
    own = policy({"Action": "dynamodb:*", "Resource": TABLE})
    narrowed = policy({"Action": ["dynamodb:GetItem", "s3:*"], **when("StringEquals", "dynamodb:LeadingKeys", "ann")})
    who = role(own, session=(narrowed,))
    mine: Facts = {"dynamodb:leadingkeys": ("ann",)}
    assert may(who, facts=mine)
    assert not may(who, facts={"dynamodb:leadingkeys": ("bob",)})
    assert not may(who, "dynamodb:PutItem", facts=mine)
    assert not may(who, "s3:GetObject", "*", facts=mine)
    assert may(role(own, session=(policy({"Action": "s3:*"}), narrowed)), facts=mine), "of several any may allow"


def test_between_accounts_each_account_says_its_part() -> None:
    """ "Cross-account policy evaluation logic": the policy of the resource, and one of who asks."""
    theirs = TABLE.replace(ACCOUNT, OTHER)
    there = {"resource": theirs, "owner": OTHER}
    named, account = naming(USER), naming(ACCOUNT)
    assert may(user(policy({})), by_resource=named, **there)
    assert may(user(policy({})), by_resource=account, **there)
    for who in (user(), user(policy({}), boundary=NOTHING), role(policy({}), session=(NOTHING,))):
        for text in (named, account, of_resource({})):
            assert not may(who, by_resource=text, **there), "its own account says nothing of it"
    assert ask(user(policy({})), **there).source is Source.RESOURCE
    closed = of_resource({}, {"Effect": "Deny", **when("StringNotEquals", "aws:PrincipalAccount", OTHER)})
    assert not may(user(policy({})), by_resource=closed, facts={"aws:principalaccount": (ACCOUNT,)}, **there)


def test_sessions_of_before_a_moment_are_ended_by_a_deny_on_their_time() -> None:
    """ "Revoke IAM role temporary security credentials": long-term keys have no such time."""
    deny = {"Effect": "Deny", **when("DateLessThan", "aws:TokenIssueTime", "2026-11-30T12:00:00Z")}
    assert not may(role(policy({}, deny)), facts={"aws:tokenissuetime": ("2026-11-30T11:59:59Z",)})
    assert may(role(policy({}, deny)), facts={"aws:tokenissuetime": ("2026-11-30T12:00:00Z",)})
    assert may(user(policy({}, deny)))


@pytest.mark.parametrize(
    "principal", [f"arn:aws:iam::{ACCOUNT}:user/*", f"arn:aws:iam::{ACCOUNT}:role/r*", f"arn:aws:iam::{ACCOUNT}:*"]
)
def test_no_wildcard_matches_a_part_of_a_principal(principal: str) -> None:
    """ "IAM JSON policy elements: Principal"."""
    try:
        found = naming(principal)
    except MalformedPolicy:
        return
    assert not may(user(), by_resource=found)
    assert not may(role(), by_resource=found)
