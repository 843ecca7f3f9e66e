"""What event patterns match, by the examples and rules of EventBridge's and Lambda's documentation."""

import json
from typing import Any

import pytest

from statordb.expressions import event_patterns
from statordb.expressions.event_patterns import BadPattern

EVENT: dict[str, Any] = {
    "eventName": "MODIFY",
    "detail": {
        "state": "running",
        "count": 5,
        "limit": 301.8,
        "on": True,
        "off": False,
        "nothing": None,
        "empty": "",
        "ip": "10.0.0.33",
        "ip6": "2001:db8::5",
        "tags": ["red", "blue", 7],
        "none": [],
        "deep": [["a"], ["b", ["c"]]],
    },
    "dynamodb": {"NewImage": {"price": {"N": "5"}, "labels": {"SS": ["a", "b"]}, "sold": {"BOOL": True}}},
}


def matches(pattern: Any, event: Any = EVENT) -> bool:
    return event_patterns.compile(json.dumps(pattern))(event)


def on(field: str, *alternatives: Any) -> bool:
    return matches({"detail": {field: list(alternatives)}})


def refusal(pattern: Any) -> str:
    with pytest.raises(BadPattern) as caught:
        event_patterns.compile(pattern if isinstance(pattern, str) else json.dumps(pattern))
    return str(caught.value.args[0])


@pytest.mark.parametrize(
    ("field", "alternatives", "expected"),
    [
        ("state", ["running"], True),
        ("state", ["stopped", "running"], True),
        ("state", ["Running"], False),
        ("count", [5], True),
        ("count", [5.0], True),
        ("count", [5e0, "x"], True),
        ("count", ["5"], False),
        ("limit", [3.018e2], True),
        ("on", [True], True),
        ("on", [1], False),
        ("on", [False], False),
        ("off", [False], True),
        ("off", [0], False),
        ("off", [None], False),
        ("nothing", [None], True),
        ("nothing", [""], False),
        ("empty", [""], True),
        ("empty", [None], False),
        ("missing", [None], False),
        ("missing", [""], False),
    ],
)
def test_values_match_exactly(field: str, alternatives: list[Any], expected: bool) -> None:
    """Without a word such as prefix there is no leniency: neither of type nor of case."""
    assert on(field, *alternatives) is expected


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ({"prefix": "run"}, True),
        ({"prefix": ""}, True),
        ({"prefix": "Run"}, False),
        ({"prefix": {"equals-ignore-case": "RUN"}}, True),
        ({"prefix": {"equals-ignore-case": "UN"}}, False),
        ({"suffix": "ing"}, True),
        ({"suffix": "ING"}, False),
        ({"suffix": {"equals-ignore-case": "ING"}}, True),
        ({"equals-ignore-case": "RUNNING"}, True),
        ({"equals-ignore-case": "RUNNIN"}, False),
        ({"wildcard": "*"}, True),
        ({"wildcard": "running"}, True),
        ({"wildcard": "r*g"}, True),
        ({"wildcard": "*nn*"}, True),
        ({"wildcard": "run*unning"}, False),  # what stands for one part does not stand for another
        ({"wildcard": "runn"}, False),
        ({"wildcard": "*x*"}, False),
        ({"anything-but": "initializing"}, True),
        ({"anything-but": "running"}, False),
        ({"anything-but": ["stopped", "running"]}, False),
        ({"anything-but": ["stopped", "overloaded"]}, True),
        ({"anything-but": 5}, True),
        ({"anything-but": {"prefix": "run"}}, False),
        ({"anything-but": {"prefix": ["init", "err"]}}, True),
        ({"anything-but": {"suffix": "ing"}}, False),
        ({"anything-but": {"equals-ignore-case": "RUNNING"}}, False),
        ({"anything-but": {"equals-ignore-case": ["STOPPED", "x"]}}, True),
        ({"anything-but": {"wildcard": "r*"}}, False),
        ({"anything-but": {"wildcard": ["a*", "b*"]}}, True),
        ({"exists": True}, True),
        ({"exists": False}, False),
        ({"numeric": ["=", 5]}, False),
        ({"cidr": "10.0.0.0/8"}, False),
    ],
)
def test_operators_on_text(test: Any, expected: bool) -> None:
    assert on("state", test) is expected


@pytest.mark.parametrize(
    ("operand", "expected"),
    [
        (["=", 5], True),
        (["=", 5.0], True),
        (["=", 4], False),
        (["<", 5], False),
        (["<=", 5], True),
        ([">", 5], False),
        ([">=", 5], True),
        ([">", 0, "<=", 5], True),
        ([">", 0, "<", 5], False),
        ([">=", 5, "<", 5.5], True),
        ([">", -1e300, "<", 1e300], True),
    ],
)
def test_numbers(operand: list[Any], expected: bool) -> None:
    """Both bounds of a range are compared as numbers, however they are written."""
    assert on("count", {"numeric": operand}) is expected


@pytest.mark.parametrize("field", ["on", "nothing", "empty", "state", "missing"])
def test_only_numbers_are_numeric(field: str) -> None:
    assert not on(field, {"numeric": [">=", -1e300]})


@pytest.mark.parametrize("test", [{"prefix": ""}, {"suffix": ""}, {"wildcard": "*"}, {"equals-ignore-case": "5"}])
@pytest.mark.parametrize("field", ["count", "on", "nothing"])
def test_operators_on_text_match_strings_only(field: str, test: Any) -> None:
    assert not on(field, test)


@pytest.mark.parametrize("field", ["count", "on", "nothing", "empty"])
def test_anything_but_takes_any_type(field: str) -> None:
    assert on(field, {"anything-but": "x"})
    assert on(field, {"anything-but": {"prefix": "x"}})


def test_anything_but_needs_a_value() -> None:
    assert not on("missing", {"anything-but": "x"})
    assert not on("none", {"anything-but": "x"})


def test_numbers_of_dynamodb_are_strings() -> None:
    """Lambda developer guide: numeric operators do nothing for DynamoDB, whose numbers are strings in records."""
    assert matches({"dynamodb": {"NewImage": {"price": {"N": ["5"]}}}})
    assert not matches({"dynamodb": {"NewImage": {"price": {"N": [5]}}}})
    assert not matches({"dynamodb": {"NewImage": {"price": {"N": [{"numeric": ["=", 5]}]}}}})
    assert matches({"dynamodb": {"NewImage": {"sold": {"BOOL": [True]}}}})
    assert matches({"dynamodb": {"NewImage": {"labels": {"SS": ["b"]}}}})


@pytest.mark.parametrize(
    ("network", "field", "expected"),
    [
        ("10.0.0.0/24", "ip", True),
        ("10.0.0.7/24", "ip", True),  # the bits behind the mask don't count
        ("10.0.1.0/24", "ip", False),
        ("0.0.0.0/0", "ip", True),
        ("0.0.0.0/0", "ip6", False),
        ("2001:db8::/32", "ip6", True),
        ("2001:db9::/32", "ip6", False),
        ("2001:db8::/32", "ip", False),
    ],
)
def test_networks(network: str, field: str, expected: bool) -> None:
    assert on(field, {"cidr": network}) is expected


def test_wildcards_can_be_escaped() -> None:
    assert matches({"a": [{"wildcard": r"\*x\\*"}]}, {"a": r"*x\yz"})
    assert not matches({"a": [{"wildcard": r"\*x\\*"}]}, {"a": r"zx\yz"})


def test_exists_speaks_of_leaves() -> None:
    assert not matches({"detail": [{"exists": True}]})
    assert matches({"detail": [{"exists": False}]})
    assert on("nothing", {"exists": True})
    assert on("missing", {"exists": False})
    assert not on("none", {"exists": True})
    assert on("none", {"exists": False})
    assert matches({"no": {"such": {"path": [{"exists": False}]}}})
    assert matches({"eventName": {"below": [{"exists": False}]}})


def test_absence_is_one_alternative_among_others() -> None:
    for event, expected in (({}, True), ({"a": "x"}, True), ({"a": "y"}, False), ({"a": {"b": 1}}, True)):
        assert matches({"a": ["x", {"exists": False}]}, event) is expected


def test_one_element_of_an_array_is_enough() -> None:
    assert on("tags", "blue")
    assert on("tags", "green", 7)
    assert on("tags", {"prefix": "re"})
    assert on("tags", {"anything-but": "red"})
    assert on("deep", "c")
    assert not on("tags", "green")
    assert not on("none", "x")


def test_tests_of_several_fields_hold_for_one_object_of_an_array() -> None:
    people = {"people": [{"first": "Anna", "last": "Smith"}, [{"first": "Peter", "last": "Jones"}]]}
    assert matches({"people": {"first": ["Peter"]}}, people)
    assert matches({"people": {"first": ["Peter"], "last": ["Jones"]}}, people)
    assert not matches({"people": {"first": ["Anna"], "last": ["Jones"]}}, people)


def test_absence_in_an_array_of_objects() -> None:
    """Alone it means that no object has the field; beside another test, that the same object lacks it."""
    pattern = {"a": {"b": [{"exists": False}]}}
    assert not matches(pattern, {"a": [{"b": 1}, {"c": 1}]})
    assert matches(pattern, {"a": [{"c": 1}, {"c": 2}]})
    assert matches(pattern, {"a": []})
    assert matches({"a": {"b": [{"exists": False}], "c": [1]}}, {"a": [{"b": 1}, {"c": 1}]})


def test_all_fields_must_match() -> None:
    assert matches({"eventName": ["MODIFY"], "detail": {"state": ["running"], "count": [5]}})
    assert not matches({"eventName": ["INSERT"], "detail": {"state": ["running"]}})
    assert not matches({"eventName": {"x": ["MODIFY"]}})


def test_or() -> None:
    """Alternatives at any depth, within each other too, beside fields that must match in any case."""
    either = {"$or": [{"eventName": ["INSERT"]}, {"detail": {"count": [5]}}]}
    assert matches(either)
    assert not matches({**either, "detail": {"state": ["stopped"]}})
    assert not matches({"$or": [{"eventName": ["INSERT"]}, {"detail": {"count": [6]}}]})
    nested = {"detail": {"$or": [{"count": [6]}, {"state": ["running"], "$or": [{"on": [False]}, {"off": [False]}]}]}}
    assert matches(nested)


@pytest.mark.parametrize("event", [None, 5, "x", [], [{"eventName": "MODIFY"}]])
def test_any_json_is_an_event(event: Any) -> None:
    assert matches({"eventName": ["MODIFY"]}, event) is (event == [{"eventName": "MODIFY"}])


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "Filter is not valid JSON"),
        ('{"a": ["x"]', "Filter is not valid JSON"),
        ('{"a": ["\ud800"]}', "Filter is not valid JSON"),
        ([], "Filter is not an object"),
        ('"x"', "Filter is not an object"),
        ({}, "Empty objects are not allowed"),
        ({"a": {}}, "Empty objects are not allowed"),
        ({"a": []}, "Empty arrays are not allowed"),
        ({"a": "x"}, '"a" must be an object or an array'),
        ({"a": None}, '"a" must be an object or an array'),
        ({"a": [["x"]]}, "Match value must be String, number, true, false, or null"),
        ({"a": [{}]}, "Match expression name not found"),
        ({"a": [{"regex": "x"}]}, "Unrecognized match type regex"),
        ({"a": [{"prefix": "x", "suffix": "y"}]}, "Only one key allowed in match expression"),
        ({"a": [{"prefix": 5}]}, "prefix match pattern must be a string"),
        ({"a": [{"prefix": {}}]}, "Prefix expression name not found"),
        ({"a": [{"prefix": {"wildcard": "x"}}]}, "Unsupported prefix pattern: wildcard"),
        ({"a": [{"suffix": ["x"]}]}, "suffix match pattern must be a string"),
        ({"a": [{"suffix": {"equals-ignore-case": 5}}]}, "equals-ignore-case match pattern must be a string"),
        ({"a": [{"equals-ignore-case": ["x"]}]}, "equals-ignore-case match pattern must be a string"),
        ({"a": [{"exists": "true"}]}, "exists match pattern must be either true or false."),
        ({"a": [{"exists": 0}]}, "exists match pattern must be either true or false."),
        ({"a": [{"wildcard": "a**b"}]}, "Consecutive wildcard characters at pos 1"),
        ({"a": [{"wildcard": r"a\b"}]}, "Invalid escape character at pos 1"),
        ({"a": [{"wildcard": "a\\"}]}, "Invalid escape character at pos 1"),
        ({"a": [{"cidr": "10.0.0.0"}]}, "Malformed CIDR, one '/' required"),
        ({"a": [{"cidr": "10.0.0.0/8/8"}]}, "Malformed CIDR, one '/' required"),
        ({"a": [{"cidr": "10.0.0.0/x"}]}, "Malformed CIDR, mask bits"),
        ({"a": [{"cidr": "10.0.0/8"}]}, "Nonstandard IP address: 10.0.0"),
        ({"a": [{"cidr": "10.0.0.0/32"}]}, "IPv4 mask bits must be < 32"),
        ({"a": [{"cidr": "::/128"}]}, "IPv6 mask bits must be < 128"),
        ({"a": [{"cidr": 5}]}, "cidr match pattern must be a string"),
        ({"a": [{"numeric": 5}]}, "Value of numeric must be an array."),
        ({"a": [{"numeric": []}]}, "Invalid member in numeric match"),
        ({"a": [{"numeric": [5]}]}, "Invalid member in numeric match"),
        ({"a": [{"numeric": ["!=", 5]}]}, "Unrecognized numeric range operator: !="),
        ({"a": [{"numeric": ["="]}]}, "Value of equals must be numeric"),
        ({"a": [{"numeric": ["=", "5"]}]}, "Value of equals must be numeric"),
        ({"a": [{"numeric": ["<", True]}]}, "Value of < must be numeric"),
        ({"a": [{"numeric": ["=", 5, "=", 6]}]}, "Too many elements in numeric expression"),
        ({"a": [{"numeric": ["<", 5, ">", 0]}]}, "Too many elements in numeric expression"),
        ({"a": [{"numeric": [">", 0, "<", 5, "<", 6]}]}, "Too many elements in numeric expression"),
        ({"a": [{"numeric": [">", 0, ">", 5]}]}, "Bad numeric range operator: >"),
        ({"a": [{"numeric": [">", 0, 5]}]}, "Bad numeric range operator: 5"),
        ({"a": [{"numeric": [">", 0, "<"]}]}, "Value of < must be numeric"),
        ({"a": [{"numeric": [">", 5, "<", 5]}]}, "Bottom must be less than top"),
        ({"a": [{"anything-but": []}]}, "Inside anything but list, either all values are number or string"),
        ({"a": [{"anything-but": ["x", 5]}]}, "Inside anything but list, either all values are number or string"),
        ({"a": [{"anything-but": None}]}, "Inside anything but list, only strings and numbers are supported."),
        ({"a": [{"anything-but": [True]}]}, "Inside anything but list, only strings and numbers are supported."),
        ({"a": [{"anything-but": {"numeric": ["=", 5]}}]}, "Unsupported anything-but pattern: numeric"),
        ({"a": [{"anything-but": {}}]}, "Anything-But expression name not found"),
        ({"a": [{"anything-but": {"prefix": ""}}]}, "Null prefix/suffix not allowed"),
        ({"a": [{"anything-but": {"prefix": []}}]}, "Empty arrays are not allowed"),
        ({"a": [{"anything-but": {"prefix": {"equals-ignore-case": "x"}}}]}, "prefix match pattern must be a string"),
        ({"$or": {"a": ["x"]}}, "$or must be an array of objects"),
        ({"$or": [{"a": ["x"]}, "y"]}, "Only objects are allowed in the array of $or"),
        ({"$or": [{"a": ["x"]}]}, "There must be at least 2 objects in the array of $or"),
        ({"$or": [{"a": ["x"]}, {}]}, "Empty objects are not allowed"),
        ({"$or": [{"prefix": ["x"]}, {"b": ["y"]}]}, "prefix is a reserved name which cannot be used as a field"),
    ],
)
def test_what_is_no_pattern(pattern: Any, message: str) -> None:
    assert refusal(pattern).startswith(message)


def test_deep_patterns_are_refused_before_they_exhaust_the_stack() -> None:
    deepest = event_patterns.EVENT_PATTERN_DEPTH_MAX
    nested = '{"a":' * deepest + '["x"]' + "}" * deepest
    assert not event_patterns.compile(nested)({})
    assert refusal('{"a":' + nested + "}") == f"Objects are nested more than {deepest} deep"
    assert refusal('{"a":' * 800 + '["x"]' + "}" * 800) == f"Objects are nested more than {deepest} deep"
    assert refusal('{"a":' * 5000).startswith("Filter is not valid JSON")


def test_a_text_is_compiled_once() -> None:
    text = '{"compiled": ["once"]}'
    assert event_patterns.compile(text) is event_patterns.compile(text)
