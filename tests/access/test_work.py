"""What decisions take is known beforehand, and they are made in steps."""

import json
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pytest
from tests.slowness import is_exact, slowness

from statordb.access import decision
from statordb.access.authority import USER, Authority
from statordb.access.decision import STEP_UNITS, STEP_UNITS_MAX, WORK_MAX, Wanted
from statordb.access.document import Kind, Policy, compile_policy
from statordb.access.facts import Known, nothing_later
from statordb.model.identity_limits import POLICY_CHARACTERS_MAX

ACCOUNT = "123456789012"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{'t' * 200}"
WANTED = Wanted("dynamodb:GetItem", TABLE, ACCOUNT)
FACTS = {"aws:username": ("u" * 60,), "dynamodb:leadingkeys": ("k0" * 60,), "aws:principaltag/a": ("x" * 256,)}
POLICIES_MAX = 110  # of a user: ten of its own, and ten of each of ten groups
UNIT_SECONDS = 1e-7
LENIENT_TIMES = 3.0

Statement = dict[str, Any]


def _texts(text: str, start: int, count: int = 20) -> list[str]:
    return [f"{text}{number}" for number in range(start, start + count)]


def _resources(text: str) -> Callable[[int], Statement]:
    return lambda number: {"Resource": _texts(f"arn:aws:dynamodb:*:*:*{text}", number)}


def _condition(operator: str, key: str, text: str) -> Callable[[int], Statement]:
    return lambda number: {"Condition": {operator: {key: _texts(text, number, 40)}}}


KINDS: dict[str, Callable[[int], Statement]] = {
    "other actions": lambda number: {"Action": f"dynamodb:Ge{number}"},
    "resources": lambda number: {"Resource": f"arn:aws:dynamodb:*:*:*x{number}"},
    "stepped resources": _resources("t*?t"),
    "varying resources": _resources("${aws:username}"),
    "stepped and varying resources": _resources("t*?${aws:username}"),
    "stepped actions": lambda number: {"Action": _texts("dynamodb:*?e", number)},
    "texts": _condition("StringEquals", "dynamodb:LeadingKeys", "a"),
    "patterns": _condition("StringLike", "dynamodb:LeadingKeys", "a*"),
    "stepped patterns": _condition("StringLike", "dynamodb:LeadingKeys", "*k?k*"),
    "stepped patterns of a long text": _condition("StringLike", "aws:PrincipalTag/a", "*x?x*"),
    "numbers": _condition("NumericEquals", "dynamodb:LeadingKeys", ""),
    "varying patterns": _condition("StringLike", "dynamodb:LeadingKeys", "${aws:username}*"),
    "varying ARNs": _condition("ArnLike", "aws:PrincipalArn", "arn:*:${aws:username}*"),
}


@lru_cache
def full(kind: str) -> Policy:
    """As large as a managed policy may be."""
    statements: list[Statement] = []
    room = POLICY_CHARACTERS_MAX - 50
    while True:
        more = {"Effect": "Allow", "Action": "*", "Resource": "*"} | KINDS[kind](len(statements))
        room -= len(json.dumps(more, separators=(",", ":"))) + 1
        if room < 0:
            return compile_policy(json.dumps({"Version": "2012-10-17", "Statement": statements}))
        statements.append(more)


def who(*policies: Policy) -> Authority:
    return Authority(USER, f"arn:aws:iam::{ACCOUNT}:user/u", ACCOUNT, "AIDA", "u", policies)


def units(policy: Policy) -> int:
    whole, _ = decision.work(who(policy), WANTED)
    return whole.decision(TABLE) + max(map(whole.tests, FACTS.values()))


@pytest.mark.parametrize("kind", KINDS)
def test_no_decision_takes_much_longer_than_is_known(kind: str) -> None:
    """One of `?` took thirty times as long as it counted: 110 policies of them held up everybody for 0.8 s."""
    asks = who(full(kind))
    seconds = []
    for _ in range(5):
        began = time.thread_time()
        decision.decide(asks, WANTED, FACTS)
        seconds.append(time.thread_time() - began)
    times = 2.0 * slowness() * (1.0 if is_exact() else LENIENT_TIMES)
    assert min(seconds) <= times * units(asks.policies[0]) * UNIT_SECONDS


def test_all_policies_that_a_user_may_have_are_not_too_much() -> None:
    asks = who(*(full("other actions") for _ in range(POLICIES_MAX)))
    assert not decision.is_too_much(asks, WANTED, FACTS)


@pytest.mark.parametrize("kind", ["stepped resources", "stepped actions", "stepped patterns"])
def test_what_takes_too_long_is_refused(kind: str) -> None:
    asks = who(*(full(kind) for _ in range(POLICIES_MAX)))
    assert decision.is_too_much(asks, WANTED, FACTS)


def test_one_statement_that_takes_too_long_is_refused() -> None:
    """A decision is cut between statements only."""
    values = tuple(str(number) for number in range(10_000))
    policy = full("numbers")
    assert policy.hardest.tests(values) > STEP_UNITS_MAX
    assert decision.is_too_much(who(policy), WANTED, FACTS | {"dynamodb:leadingkeys": values})


def test_a_decision_is_made_in_steps() -> None:
    asks = who(*(full("resources") for _ in range(POLICIES_MAX)))
    steps = list(decision.narrowing(asks, WANTED, Known(FACTS, nothing_later)))
    needed = POLICIES_MAX * units(asks.policies[0]) / STEP_UNITS
    assert needed / 2 < len(steps) < 2 * needed
    assert POLICIES_MAX * units(asks.policies[0]) < WORK_MAX


def test_names_of_a_resources_policy_count() -> None:
    names = [f"arn:aws:iam::{number:012}:root" for number in range(500)]
    statement = {"Effect": "Allow", "Principal": {"AWS": names}, "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    assert compile_policy(document, Kind.RESOURCE).work.deciding >= 2 * len(names)
