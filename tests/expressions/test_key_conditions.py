"""Key conditions: the conditions on each attribute, and what is a condition but none on keys."""

import pytest

from statordb.expressions.placeholders import Placeholders

P, C = {"S": "p"}, {"S": "c"}


def key_condition(text, names=None):
    values = {key: value for key, value in {":p": P, ":c": C}.items() if key in text}
    placeholders = Placeholders(names, values or None)
    bound = placeholders.key_condition(text)
    placeholders.finish()
    return bound


PARTS = [
    ("p = :p", [("p", "EQ", [P])]),
    ("#c <= :c AND p = :p", [("sort", "LE", [C]), ("p", "EQ", [P])]),
    ("((:p = p) and (:c < c))", [("p", "EQ", [P]), ("c", "GT", [C])]),  # mirrored
    ("p = :p AND c BETWEEN :c AND :p", [("p", "EQ", [P]), ("c", "BETWEEN", [C, P])]),
    ("p = :p AND begins_with(c, :c)", [("p", "EQ", [P]), ("c", "BEGINS_WITH", [C])]),
]


@pytest.mark.parametrize(("text", "expected"), PARTS)
def test_parts(text, expected):
    assert key_condition(text, {"#c": "sort"} if "#c" in text else None).conditions == expected


REFUSED = [
    ("p = :p OR c <> :c", "Invalid operator used in KeyConditionExpression: OR"),
    ("NOT p = :p", "Invalid operator used in KeyConditionExpression: NOT"),
    ("NOT NOT p = :p", "Invalid operator used in KeyConditionExpression: NOT"),
    ("p = :p AND c <> :c", "Invalid operator used in KeyConditionExpression: <>"),
    ("p = :p AND c IN (:c)", "Invalid operator used in KeyConditionExpression: IN"),
    ("p = :p AND contains(c, :c)", "Invalid operator used in KeyConditionExpression: contains"),
    ("p = :p AND attribute_exists(c)", "Invalid operator used in KeyConditionExpression: attribute_exists"),
    ("p = :p AND p = :p", "KeyConditionExpressions must only contain one condition per key"),
    ("p = :p AND size(c) = :c", "KeyConditionExpressions cannot contain nested operations"),
    ("p.x = :p", "KeyConditionExpressions cannot have conditions on nested attributes"),
    ("p = c", "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"),
    (":p = :p", "Invalid condition in KeyConditionExpression: No key attribute specified"),
    (
        ":c BETWEEN c AND :c",
        "Invalid condition in KeyConditionExpression: "
        "BETWEEN operator must have the key attribute as its first operand",
    ),
    (
        "begins_with(:c, c)",
        "Invalid condition in KeyConditionExpression: "
        "begins_with operator must have the key attribute as its first operand",
    ),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused_after_the_placeholders_are_checked(text, message, refusal):
    """AWS looks for unused placeholders before it takes the condition apart, hence the two steps."""
    bound = key_condition(text)
    assert refusal(lambda: bound.conditions) == message
    assert refusal(lambda: bound.conditions) == message


FAULTS = [
    ("", "The expression can not be empty;"),
    ("p", 'Syntax error; token: "<EOF>", near: "p"'),
    ("name = :p", "Attribute name is a reserved keyword; reserved keyword: name"),
    ("p = :p AND foo(c)", "Invalid function name; function: foo"),
    ("((p = :p))", "The expression has redundant parentheses;"),
    ("p = :q", "An expression attribute value used in expression is not defined; attribute value: :q"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_fault(text, message, refusal):
    """AWS's texts to the letter, as in all faults of expressions."""
    assert refusal(lambda: key_condition(text)) == f"Invalid KeyConditionExpression: {message}"
