"""Policy documents, and what is wrong with them, in IAM's words."""

import json
from typing import Any

import pytest

from statordb.access.document import (
    COMPILED_MAX,
    POLICY_BYTES_MAX,
    STATEMENTS_MAX,
    Kind,
    compile_policy,
)
from statordb.access.formats import MalformedPolicy
from statordb.access.statements import Condition

SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"


def document(version: str | None = "2012-10-17", **statement: Any) -> str:
    """A policy of one statement, made of an Allow of everything; None takes an element away."""
    whole = {"Effect": "Allow", "Action": "*", "Resource": "*", **statement}
    kept = {name: value for name, value in whole.items() if value is not None}
    return json.dumps({"Version": version, "Statement": kept} if version is not None else {"Statement": kept})


def fault(text: str, kind: Kind = Kind.IDENTITY) -> str:
    with pytest.raises(MalformedPolicy) as found:
        compile_policy(text, kind)
    return str(found.value)


def test_a_document_becomes_statements() -> None:
    policy = compile_policy(
        document(
            Sid="own",
            Action=["dynamodb:GetItem", "dynamodb:Batch*"],
            NotResource="arn:aws:dynamodb:*:*:table/secret",
            Resource=None,
            Condition={"Bool": {"aws:SecureTransport": True}, "NumericLessThan": {"s3:max-keys": [10, "20"]}},
        )
    )
    (statement,) = policy.statements
    assert policy.version == "2012-10-17"
    assert statement.sid == "own"
    assert statement.allows
    assert (statement.actions, statement.not_actions) == (("dynamodb:GetItem", "dynamodb:Batch*"), False)
    assert (statement.resources, statement.not_resources) == (("arn:aws:dynamodb:*:*:table/secret",), True)
    assert statement.conditions == (
        Condition("Bool", "aws:SecureTransport", ("true",)),
        Condition("NumericLessThan", "s3:max-keys", ("10", "20")),
    )


def test_one_statement_or_a_list_of_them() -> None:
    one = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    policy = compile_policy(json.dumps({"Version": "2012-10-17", "Id": "x", "Statement": [one, one]}))
    assert len(policy.statements) == 2
    assert policy.id == "x"
    assert not policy.statements[0].allows


def test_a_text_is_compiled_once() -> None:
    assert compile_policy(document()) is compile_policy(document())
    assert compile_policy.cache_info().maxsize == COMPILED_MAX


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "[]", "null", "{}", '{"Version": "2012-10-17"}',
        '{"Version": "2012-10-17", "Statement": []}',
        '{"Version": "2012-10-17", "Statement": ["x"]}',
        document(version="2013-10-17"),
        document(Effect=None),
        document(Effect="Maybe"),
        document(Actions="*"),
        document(NotAction="*"),
        document(NotResource="*"),
        document(Action=[1]),
        document(Action={"x": 1}),
        document(Sid=1),
        document(Condition=[]),
        document(Condition={"StringEquals": "x"}),
        document(Condition={"StringIs": {"aws:username": "x"}}),
        document(Condition={"stringequals": {"aws:username": "x"}}),
        document(Condition={"NullIfExists": {"aws:username": "true"}}),
        document(Condition={"ForSomeValues:StringEquals": {"aws:username": "x"}}),
        document(Condition={"StringEquals": {"aws:username": {"x": 1}}}),
        '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}}',
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": '
        '{"NumericEquals": {"a:b": NaN}}}}',
        '{"Version": "2012-10-17", "Statement": {"Sid": "\\ud800", "Effect": "Deny", "Action": "*", "Resource": "*"}}',
    ],
)  # fmt: skip
def test_what_is_no_policy_is_a_syntax_error(text: str) -> None:
    assert fault(text) == SYNTAX


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (document(version="2008-10-17"), "Policy document must be version 2012-10-17 or greater."),
        (document(version=None), "Policy document must be version 2012-10-17 or greater."),
        (document(Effect="allow"), LEGACY),
        (document(Action=None), "Policy statement must contain actions."),
        (document(Action=[]), "Policy statement must contain actions."),
        (document(Resource=None), "Policy statement must contain resources."),
        (document(Resource=[]), "Policy statement must contain resources."),
        (document(Action="GetItem"), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        (document(Action="a:b:c"), "Actions/Condition can contain only one colon."),
        (document(Action="a b:c"), "Vendor a b is not valid"),
        (document(Resource="table"), 'Resource table must be in ARN format or "*".'),
        (
            document(Resource="arn:azure:dynamodb:x"),
            'Partition "azure" is not valid for resource "arn:azure:dynamodb:x:*:*".',
        ),
        (document(Resource="arn:aws:dynamodb"), "Resource vendor must be fully qualified and cannot contain regexes."),
        (document(Resource="arn:aws::x:y:z"), LEGACY),
        (document(Principal="*"), "Policy document should not specify a principal."),
        (document(Condition={"DateLessThan": {"aws:CurrentTime": "yesterday"}}), LEGACY),
        (document(Condition={"DateLessThan": {"aws:CurrentTime": "2026-13-01"}}), LEGACY),
        (document(Condition={"NumericEquals": {"a:b": "one"}}), LEGACY),
        (document(Condition={"IpAddress": {"aws:SourceIp": "1.2.3"}}), LEGACY),
        (document(Condition={"BinaryEquals": {"a:b": "?"}}), LEGACY),
    ],
)
def test_what_else_is_wrong_is_told(text: str, told: str) -> None:
    assert fault(text) == told


def test_names_of_statements_are_unique_but_for_empty_ones() -> None:
    one = {"Sid": "a", "Effect": "Allow", "Action": "*", "Resource": "*"}
    twice = json.dumps({"Version": "2012-10-17", "Statement": [one, one]})
    assert fault(twice) == "Statement IDs (SID) in a single policy must be unique."
    compile_policy(twice.replace('"a"', '""'))


def test_the_kind_says_which_elements_there_are() -> None:
    trust = document(version=None, Resource=None, Principal={"AWS": "123456789012"}, Action="sts:AssumeRole")
    (statement,) = compile_policy(trust, Kind.TRUST).statements
    assert statement.principals == {"AWS": ("123456789012",)}
    resource = document(NotPrincipal="*", version="2008-10-17")
    (statement,) = compile_policy(resource, Kind.RESOURCE).statements
    assert (statement.principals, statement.not_principals) == ({"AWS": ("*",)}, True)
    assert fault(document(), Kind.RESOURCE) == "Missing required field Principal"
    assert fault(document(Principal={"Any": "*"}), Kind.RESOURCE) == SYNTAX
    assert fault(document(Principal="x"), Kind.RESOURCE) == SYNTAX
    assert fault(document(Principal="*"), Kind.TRUST) == "Has prohibited field Resource"


def test_a_trust_policy_is_about_sts_only() -> None:
    text = document(Resource=None, Principal="*", Action="dynamodb:GetItem")
    assert fault(text, Kind.TRUST) == "AssumeRole policy may only specify STS AssumeRole actions."


@pytest.mark.parametrize("value", ["2026-12-31T23:59:59Z", "2026-12-31", "1767225600", "2026-12-31T23:59:59.5+01:00"])
def test_dates_are_in_iso_8601_or_seconds(value: str) -> None:
    compile_policy(document(Condition={"DateLessThan": {"aws:CurrentTime": value}}))


def test_a_document_is_bounded() -> None:
    """In bytes, depth and statements."""
    assert fault(document(Sid="x" * POLICY_BYTES_MAX)) == SYNTAX
    assert fault("[" * 100_000) == SYNTAX
    one = '{"Effect":"Deny","Action":"*","Resource":"*"}'
    many = ",".join([one] * (STATEMENTS_MAX + 1))
    assert fault(f'{{"Version":"2012-10-17","Statement":[{many}]}}') == SYNTAX
