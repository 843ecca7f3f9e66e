"""The legacy parameters, which become the same trees as expressions."""

import pytest

from statordb.expressions import legacy


@pytest.fixture
def stored(item):
    return item(a=1, b="hello", l=[1], ss={"a", "b"})


def compare(operator, *arguments):
    return {"ComparisonOperator": operator, "AttributeValueList": list(arguments)}


N1, N2, SX, L1 = {"N": "1"}, {"N": "2"}, {"S": "x"}, {"L": [{"N": "1"}]}

HOLDS = [
    {"a": compare("EQ", N1)},
    {"l": compare("EQ", L1)},
    {"a": compare("NE", SX)},
    {"none": compare("NE", N1)},
    {"a": compare("LE", N1), "b": compare("GT", {"S": "h"})},
    {"a": compare("IN", N2, N1)},
    {"a": compare("BETWEEN", N1, N2)},
    {"b": compare("BEGINS_WITH", {"S": "hel"})},
    {"ss": compare("CONTAINS", {"S": "a"}), "b": compare("CONTAINS", {"S": "ell"}), "l": compare("CONTAINS", N1)},
    {"b": compare("NOT_CONTAINS", SX), "a": compare("NOT_CONTAINS", N1)},
    {"none": compare("NULL"), "a": compare("NOT_NULL")},
]

FAILS = [
    {"a": compare("LT", {"S": "x"})},
    {"none": compare("LT", N1)},
    {"none": compare("NOT_CONTAINS", SX)},  # a missing attribute fails both
    {"none": compare("CONTAINS", SX)},
    {"ss": compare("NOT_CONTAINS", {"S": "a"})},
    {"a": compare("EQ", N1), "b": compare("EQ", SX)},
]


def test_filters(stored):
    """Filters and `Expected` have the same operators, so every one of them is asked in both."""
    for members in HOLDS:
        assert legacy.query_filter(members, None)(stored), members
        assert legacy.expected(members, "AND" if len(members) > 1 else None)(stored), members
    for members in FAILS:
        assert not legacy.query_filter(members, None)(stored), members


def test_conditional_operator(stored, refusal):
    """An operator without conditions to join is a fault of its own; no conditions at all always hold."""
    members = {"a": compare("EQ", N1), "b": compare("EQ", SX)}
    assert legacy.expected(members, "OR")(stored)
    assert not legacy.expected(members, "AND")(stored)
    for nothing in (None, {}):
        assert legacy.expected(nothing, None)({})
        message = "ConditionalOperator cannot be used without Filter or Expected"
        assert refusal(lambda n=nothing: legacy.expected(n, "OR")) == message
        assert refusal(lambda n=nothing: legacy.query_filter(n, "AND")) == message
    for read in (legacy.expected, legacy.query_filter):
        assert refusal(lambda r=read: r({"a": compare("EQ", N1)}, "AND")) == (
            "ConditionalOperator can only be used when Filter or Expected has two or more elements"
        )


def test_expected_values_and_existence(stored):
    for members in (
        {"a": {"Value": N1}},
        {"a": {"Value": N1, "Exists": True}},
        {"none": {"Exists": False}},
        {"a": {"ComparisonOperator": "EQ", "Value": N1}},
        {"none": {"ComparisonOperator": "NULL"}},
    ):
        assert legacy.expected(members, None)(stored)
    assert not legacy.expected({"a": {"Exists": False}}, None)(stored)
    assert not legacy.expected({"none": {"Value": N1}}, None)(stored)


def test_attributes_of_a_filter():
    assert legacy.query_filter({"a.b": compare("NULL"), "c": compare("EQ", N1)}, None).attributes == {"a.b", "c"}


WRONG = "One or more parameter values were invalid: "

FAULTS = [
    (compare("EQ", N1, N2), WRONG + "Invalid number of argument(s) for the EQ ComparisonOperator"),
    (compare("NULL", N1), WRONG + "Invalid number of argument(s) for the NULL ComparisonOperator"),
    (compare("IN"), WRONG + "Invalid number of argument(s) for the IN ComparisonOperator"),
    (compare("BETWEEN", N1), WRONG + "Invalid number of argument(s) for the BETWEEN ComparisonOperator"),
    (compare("IN", N1, SX), WRONG + "AttributeValues inside AttributeValueList must be of same type"),
    (compare("LT", L1), WRONG + "ComparisonOperator LT is not valid for L AttributeValue type"),
    (compare("IN", L1), WRONG + "ComparisonOperator IN is not valid for L AttributeValue type"),
    (compare("BEGINS_WITH", N1), WRONG + "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"),
    (
        compare("CONTAINS", {"SS": ["a"]}),
        WRONG + "ComparisonOperator CONTAINS is not valid for SS AttributeValue type",
    ),
    (
        compare("BETWEEN", N2, N1),
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
    ),
]


@pytest.mark.parametrize(("member", "message"), FAULTS)
def test_fault_of_a_comparison(member, message, refusal):
    assert refusal(lambda: legacy.query_filter({"a": member}, None)) == message
    assert refusal(lambda: legacy.expected({"a": member}, None)) == message
    assert refusal(lambda: legacy.key_conditions({"a": member})) == message


EXPECTED_FAULTS = [
    ({}, "Value must be provided when Exists is null for Attribute: a"),
    ({"Exists": True}, "Value must be provided when Exists is true for Attribute: a"),
    ({"Exists": False, "Value": N1}, "Value cannot be used when Exists is false for Attribute: a"),
    ({"Value": N1, **compare("EQ", N1)}, "Value and AttributeValueList cannot be used together for Attribute: a"),
    ({"AttributeValueList": [N1]}, "AttributeValueList can only be used with a ComparisonOperator for Attribute: a"),
    (
        {"Exists": False, **compare("EQ", N1)},
        "Exists and ComparisonOperator cannot be used together for Attribute: a",
    ),
    (
        {"ComparisonOperator": "EQ"},
        "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a",
    ),
]


@pytest.mark.parametrize(("member", "message"), EXPECTED_FAULTS)
def test_fault_of_an_expectation(member, message, refusal):
    assert refusal(lambda: legacy.expected({"a": member}, None)) == WRONG + message


def test_key_conditions(refusal):
    """They come to the form that expressions have; only what a range of keys can be read by is allowed."""
    conditions = {"c": compare("BETWEEN", N1, N2), "p": compare("EQ", SX)}
    assert legacy.key_conditions(conditions).conditions == [("c", "BETWEEN", [N1, N2]), ("p", "EQ", [SX])]
    for operator in ("NE", "CONTAINS", "NOT_CONTAINS", "IN"):
        message = refusal(lambda o=operator: legacy.key_conditions({"p": compare(o, SX)}))
        assert message == "Attempted conditional constraint is not an indexable operation"


def test_attribute_updates(stored, item):
    """Each action on each type; a dot in a name is part of it here, unlike in expressions."""
    update = legacy.attribute_updates(
        {
            "a": {"Action": "ADD", "Value": N2},
            "b": {"Action": "DELETE"},
            "l": {"Action": "ADD", "Value": L1},
            "ss": {"Action": "DELETE", "Value": {"SS": ["a"]}},
            "n": {"Value": SX},
            "dotted.name": {"Action": "PUT", "Value": SX},
        }
    )
    assert update(stored) == item(a=3, l=[1, 1], ss={"b"}, n="x") | {"dotted.name": SX}
    assert update.touched(stored) == {name: stored[name] for name in ("a", "b", "l", "ss")}
    assert update.attributes == {"a", "b", "l", "ss", "n", "dotted.name"}
    assert legacy.attribute_updates({})(stored) == stored


def test_attribute_updates_that_do_not_fit(stored, refusal):
    for name, update in [
        ("b", {"Action": "ADD", "Value": N1}),
        ("a", {"Action": "ADD", "Value": L1}),
        ("ss", {"Action": "DELETE", "Value": {"NS": ["1"]}}),
    ]:
        bound = legacy.attribute_updates({name: update})
        assert refusal(lambda u=bound: u(stored)) == "Type mismatch for attribute to update"
    assert refusal(lambda: legacy.attribute_updates({"a": {"Action": "ADD"}})) == (
        WRONG + "Only DELETE action is allowed when no attribute value is specified"
    )
    assert refusal(lambda: legacy.attribute_updates({"a": {"Action": "DELETE", "Value": N1}})) == (
        WRONG + "DELETE action with value is not supported for the type N"
    )
    assert refusal(lambda: legacy.attribute_updates({"a": {"Action": "ADD", "Value": SX}})) == (
        WRONG + "ADD action is not supported for the type S"
    )


def test_attributes_to_get(stored, item, refusal):
    assert legacy.attributes_to_get(["a", "none"])(stored) == item(a=1)
    assert refusal(lambda: legacy.attributes_to_get(["a", "b", "a"])) == WRONG + "Duplicate value in attribute name: a"


READ = (("ProjectionExpression",), ("AttributesToGet",))
WRITE = (("UpdateExpression", "ConditionExpression"), ("AttributeUpdates", "Expected", "ConditionalOperator"))
QUERY = (
    ("ProjectionExpression", "FilterExpression", "KeyConditionExpression"),
    ("AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions"),
)
BOTH = "Can not use both expression and non-expression parameters in the same request: "

MIXED = [
    (
        READ,
        {"AttributesToGet": ["a"], "ProjectionExpression": "a"},
        BOTH + "Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}",
    ),
    (
        WRITE,
        {"Expected": {}, "ConditionalOperator": "OR", "ConditionExpression": "a", "UpdateExpression": "b"},
        BOTH + "Non-expression parameters: {Expected, ConditionalOperator} "
        "Expression parameters: {UpdateExpression, ConditionExpression}",
    ),
    (
        QUERY,
        {"KeyConditions": {}, "KeyConditionExpression": "p = :p"},
        BOTH + "Non-expression parameters: {KeyConditions} Expression parameters: {KeyConditionExpression}",
    ),
    (
        READ,
        {"AttributesToGet": ["a"], "ExpressionAttributeNames": {"#a": "a"}},
        "ExpressionAttributeNames can only be specified when using expressions",
    ),
    (
        WRITE,
        {"ExpressionAttributeValues": {}},
        "ExpressionAttributeValues can only be specified when using expressions: "
        "UpdateExpression and ConditionExpression are null",
    ),
    (
        (("ConditionExpression",), ("Expected", "ConditionalOperator")),
        {"ExpressionAttributeValues": {}},
        "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null",
    ),
    (
        QUERY,
        {"KeyConditions": {}, "ProjectionExpression": "a", "ExpressionAttributeValues": {":v": N1}},
        "ExpressionAttributeValues can only be specified when using expressions: "
        "FilterExpression and KeyConditionExpression are null",
    ),
]


@pytest.mark.parametrize(("parameters", "request_", "message"), MIXED)
def test_mixed_parameters(parameters, request_, message, refusal):
    """The text names the members of both kinds that were there, in the order that AWS has them in."""
    assert refusal(lambda: legacy.reject_mixed(request_, *parameters)) == message


def test_parameters_that_go_together():
    legacy.reject_mixed({}, *QUERY)
    legacy.reject_mixed({"KeyConditions": {}, "FilterExpression": "a = :v", "ExpressionAttributeValues": {}}, *QUERY)
    legacy.reject_mixed({"AttributeUpdates": {}, "Expected": {}, "ConditionalOperator": "OR"}, *WRITE)
    legacy.reject_mixed({"UpdateExpression": "x", "ExpressionAttributeNames": {}}, *WRITE)
