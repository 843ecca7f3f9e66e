"""Policies and identities made by hand."""

import json
from typing import Any

from statordb.access.authority import Authority
from statordb.access.decision import Verdict, Wanted, decide
from statordb.access.document import Kind, Policy, compile_policy
from statordb.access.facts import Values

ACCOUNT, OTHER = "123456789012", "999999999999"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/Books"
GET = "dynamodb:GetItem"

Statement = dict[str, Any]


def policy(*statements: Statement, version: str = "2012-10-17") -> Policy:
    """An identity's policy; each statement is completed to an Allow of everything on everything."""
    return compile_policy(text(*statements, version=version))


def of_resource(*statements: Statement, version: str = "2012-10-17") -> Policy:
    """A resource's policy, or an endpoint's; its statements name everyone unless they say otherwise."""
    named = [each if "NotPrincipal" in each else {"Principal": "*", **each} for each in statements]
    return compile_policy(text(*named, version=version), Kind.RESOURCE)


def text(*statements: Statement, version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": [_completed(each) for each in statements]})


def _completed(statement: Statement) -> Statement:
    whole: Statement = {"Effect": "Allow", **statement}
    for element in ("Action", "Resource"):
        if "Not" + element not in whole:
            whole.setdefault(element, "*")
    return whole


def user(*policies: Policy, name: str = "ann", **others: Any) -> Authority:
    return Authority("user", f"arn:aws:iam::{ACCOUNT}:user/{name}", ACCOUNT, "AIDAANN", name, policies, **others)


def role(*policies: Policy, **others: Any) -> Authority:
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/today"
    return Authority("role", arn, ACCOUNT, "AROAREADER:today", "", policies, **others)


def ask(
    who: Authority, action: str = GET, resource: str = TABLE, owner: str = ACCOUNT,
    facts: dict[str, Values] | None = None, by_resource: Policy | None = None, by_endpoint: Policy | None = None,
) -> Verdict:  # fmt: skip
    wanted = Wanted(action, resource, owner, by_resource, by_endpoint)
    return decide(who, wanted, {} if facts is None else facts)


def may(who: Authority, *places: Any, **others: Any) -> bool:
    return ask(who, *places, **others).allowed
