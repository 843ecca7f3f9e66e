"""Operators of conditions: what passes, and what does when a key is absent or has several values."""

from typing import Any

import pytest
from tests.access.kit import GET, may, policy, user

from statordb.access.facts import Values

Case = tuple[str, Any, str, bool]

SINGLE: list[Case] = [
    ("StringEquals", "a", "a", True), ("StringEquals", "a", "A", False), ("StringEquals", ["a", "b"], "b", True),
    ("StringEquals", "a*", "ab", False), ("StringEquals", [], "a", False),
    ("StringNotEquals", "a", "b", True), ("StringNotEquals", ["a", "b"], "b", False),
    ("StringNotEquals", [], "a", True),
    ("StringEqualsIgnoreCase", "aB", "Ab", True), ("StringNotEqualsIgnoreCase", "aB", "Ab", False),
    ("StringLike", "a*", "abc", True), ("StringLike", "a?", "abc", False), ("StringLike", "A*", "abc", False),
    ("StringNotLike", "a*", "abc", False), ("StringNotLike", "b*", "abc", True),
    ("NumericEquals", "10", "10.0", True), ("NumericEquals", 10, "1e1", True), ("NumericEquals", "10", "ten", False),
    ("NumericNotEquals", "10", "11", True), ("NumericNotEquals", "10", "10", False),
    ("NumericLessThan", "10", "9", True), ("NumericLessThan", "10", "10", False),
    ("NumericLessThanEquals", "10", "10", True), ("NumericGreaterThan", "10", "10", False),
    ("NumericGreaterThan", "10", "10.5", True), ("NumericGreaterThanEquals", "10", "10", True),
    ("DateEquals", "2026-11-30T00:00:00Z", "1795996800", True), ("DateNotEquals", "2026-11-30", "1795996800", False),
    ("DateLessThan", "2026-11-30T00:00:00Z", "2026-11-29T23:59:59Z", True),
    ("DateLessThan", "2026-11-30T00:00:00+01:00", "2026-11-29T23:30:00Z", False),
    ("DateLessThanEquals", "2026-11-30", "2026-11-30T00:00:00Z", True),
    ("DateGreaterThan", "2026-11-30", "2026-11-30T00:00:00.5Z", True),
    ("DateGreaterThanEquals", "2026-11-30", "2026-11-29", False),
    ("Bool", "true", "true", True), ("Bool", True, "true", True), ("Bool", "True", "true", True),
    ("Bool", False, "true", False), ("Bool", "yes", "true", False),
    ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True), ("BinaryEquals", "QmluYXJ5", "QmluYXJ4", False),
    ("IpAddress", "203.0.113.0/24", "203.0.113.9", True), ("IpAddress", "203.0.113.0/24", "203.0.114.9", False),
    ("IpAddress", "203.0.113.9", "203.0.113.9", True), ("IpAddress", "2001:db8::/32", "2001:db8::1", True),
    ("IpAddress", "2001:db8::/32", "203.0.113.9", False), ("IpAddress", "0.0.0.0/0", "", False),
    ("IpAddress", "203.0.113.0/24", "::ffff:203.0.113.9", True), ("IpAddress", "203.0.113.77/24", "203.0.113.9", True),
    ("NotIpAddress", "203.0.113.0/24", "203.0.113.9", False), ("NotIpAddress", "203.0.113.0/24", "10.0.0.1", True),
    ("ArnEquals", "arn:aws:iam::1:user/a", "arn:aws:iam::1:user/a", True),
    ("ArnEquals", "arn:aws:iam::1:user/*", "arn:aws:iam::1:user/a", True),
    ("ArnLike", "arn:aws:iam::*:user/*", "arn:aws:iam::1:user/a/b", True),
    ("ArnLike", "arn:aws:*:user/a", "arn:aws:iam::1:user/a", False),
    ("ArnLike", "arn:aws:iam:*:*:*", "arn:aws:iam::1:user/a:b", True), ("ArnLike", "*", "arn:aws:iam::1:user/a", True),
    ("ArnLike", "arn:aws:iam::1:user/*", "user/a", False),
    ("ArnNotEquals", "arn:aws:iam::1:user/a", "arn:aws:iam::1:user/b", True),
    ("ArnNotLike", "arn:aws:iam::*:user/*", "arn:aws:iam::1:user/a", False),
    ("Null", "true", "a", False), ("Null", "false", "a", True), ("Null", True, "a", False),
    ("Null", ["true", "false"], "a", True),
]  # fmt: skip


def passes(operator: str, wanted: Any, values: Values | None, effect: str = "Allow") -> bool:
    """Whether a condition holds, seen by what its statement does."""
    facts = {} if values is None else {"some:key": values}
    statement = {"Effect": effect, "Condition": {operator: {"some:Key": wanted}}}
    if effect == "Allow":
        return may(user(policy(statement)), facts=facts)
    return not may(user(policy(statement, {})), facts=facts)


@pytest.mark.parametrize(("operator", "wanted", "value", "holds"), SINGLE)
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_an_operator_looks_at_the_value(operator: str, wanted: Any, value: str, holds: bool, effect: str) -> None:
    """Also with a prefix, which makes no difference for one value, and with IfExists."""
    assert passes(operator, wanted, (value,), effect) is holds
    if operator != "Null":
        for form in (f"{operator}IfExists", f"ForAllValues:{operator}", f"ForAnyValue:{operator}IfExists"):
            assert passes(form, wanted, (value,), effect) is holds


POSITIVE = sorted({case[0] for case in SINGLE if "Not" not in case[0]} - {"Null"})
NEGATED = sorted({case[0] for case in SINGLE if "Not" in case[0]})
SOME: dict[str, str] = {
    "Numeric": "1", "Date": "2026-11-30", "Bool": "true", "Binary": "QmluYXJ5", "Ip": "10.0.0.1", "NotIp": "10.0.0.1",
    "Arn": "arn:aws:iam::1:user/a", "String": "a",
}  # fmt: skip


def some(operator: str) -> str:
    return next(value for start, value in SOME.items() if operator.startswith(start))


@pytest.mark.parametrize("values", [None, ()])
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_an_absent_key_passes_what_is_negated_or_lenient(values: Values | None, effect: str) -> None:
    for operator in POSITIVE + NEGATED:
        wanted = some(operator)
        assert passes(operator, wanted, values, effect) is (operator in NEGATED)
        assert passes(f"{operator}IfExists", wanted, values, effect)
        assert passes(f"ForAllValues:{operator}", wanted, values, effect)  # so it has to go with a Null
        assert not passes(f"ForAnyValue:{operator}", wanted, values, effect)
    assert passes("Null", "true", values, effect)
    assert not passes("Null", "false", values, effect)


@pytest.mark.parametrize(
    ("operator", "values", "holds"),
    [
        ("ForAllValues:StringEquals", ("a", "b"), True),
        ("ForAllValues:StringEquals", ("a", "c"), False),
        ("ForAnyValue:StringEquals", ("a", "c"), True),
        ("ForAnyValue:StringEquals", ("c", "d"), False),
        ("ForAllValues:StringNotEquals", ("c", "d"), True),
        ("ForAllValues:StringNotEquals", ("a", "d"), False),
        ("ForAnyValue:StringNotEquals", ("a", "d"), True),
        ("ForAnyValue:StringNotEquals", ("a", "b"), False),
        ("ForAllValues:StringLike", ("a", "b", "c"), False),
    ],
)
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_set_operators_look_at_all_values(operator: str, values: Values, holds: bool, effect: str) -> None:
    assert passes(operator, ["a", "b"], values, effect) is holds


def test_several_values_under_an_operator_for_one_allow_no_more() -> None:
    """AWS leaves it undefined: all have to pass for an Allow, any for a Deny."""
    assert not passes("StringEquals", "a", ("a", "c"), "Allow")
    assert passes("StringEquals", "a", ("a", "c"), "Deny")
    assert not passes("StringNotEquals", "a", ("a", "c"), "Allow")
    assert passes("StringNotEquals", "a", ("a", "c"), "Deny")


def test_all_conditions_of_a_statement_have_to_hold() -> None:
    both = {"StringEquals": {"a:b": "1", "a:c": "2"}, "Bool": {"a:d": "true"}}
    facts: dict[str, Values] = {"a:b": ("1",), "a:c": ("2",), "a:d": ("true",)}
    who = user(policy({"Condition": both}))
    assert may(who, facts=facts)
    for key in facts:
        assert not may(who, facts={**facts, key: ("x",)})


VARIABLE = "${some:Other}"


def test_variables_in_values() -> None:
    who = user(policy({"Condition": {"StringEquals": {"some:key": VARIABLE}}}))
    assert may(who, facts={"some:key": ("x",), "some:other": ("x",)})
    assert not may(who, facts={"some:key": ("x",), "some:other": ("y",)})


@pytest.mark.parametrize("operator", ["StringNotEquals", "StringNotLike", "ArnNotLike", "ForAllValues:StringNotEquals"])
def test_a_variable_without_a_value_allows_no_more(operator: str) -> None:
    assert not passes(operator, VARIABLE, ("x",), "Allow")
    assert passes(operator, VARIABLE, ("x",), "Deny")
    assert not passes(operator.replace("Not", ""), VARIABLE, ("x",), "Allow")


def test_names_of_keys_are_alike_in_any_case() -> None:
    who = user(policy({"Condition": {"StringEquals": {"AWS:UserName": "ann"}}}))
    assert may(who, GET, facts={"aws:username": ("ann",)})
