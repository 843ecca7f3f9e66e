"""Event patterns against a second evaluator: an event taken apart into its leaves, as AWS describes matching."""

import contextlib
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statordb.expressions import event_patterns

names = st.sampled_from(["a", "b", "c"])
texts = st.text("xyX*\\", max_size=4)
scalars = st.one_of(texts, st.integers(-2, 2), st.sampled_from([0.5, 1.0]), st.booleans(), st.none())
leaves = st.one_of(scalars, st.lists(scalars, max_size=3))
events = st.recursive(
    st.dictionaries(names, leaves, max_size=3),
    lambda inner: st.dictionaries(names, st.one_of(leaves, inner), max_size=3),
)
ranges = st.tuples(
    st.sampled_from([">", ">="]), st.integers(-2, 0), st.sampled_from(["<", "<="]), st.integers(1, 2)
).map(list)
tests = st.one_of(
    scalars,
    texts.map(lambda text: {"prefix": text}),
    texts.map(lambda text: {"suffix": text}),
    texts.map(lambda text: {"equals-ignore-case": text}),
    texts.map(lambda text: {"prefix": {"equals-ignore-case": text}}),
    ranges.map(lambda operand: {"numeric": operand}),
    st.lists(texts, min_size=1, max_size=2).map(lambda values: {"anything-but": values}),
    st.lists(st.integers(-2, 2), min_size=1, max_size=2).map(lambda values: {"anything-but": values}),
    st.booleans().map(lambda flag: {"exists": flag}),
)
alternatives = st.lists(tests, min_size=1, max_size=3)


def branches(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda fields, either: {**fields, **({"$or": either} if either else {})},
        st.dictionaries(names, st.one_of(alternatives, inner), min_size=1, max_size=2),
        st.one_of(st.none(), st.lists(inner, min_size=2, max_size=2)),
    )


patterns = st.recursive(st.dictionaries(names, alternatives, min_size=1, max_size=2), branches, max_leaves=6)


def values_at(event: Any, path: tuple[str, ...]) -> list[Any]:
    """The scalars that an event, without arrays of objects, has at a path."""
    for name in path:
        event = event.get(name) if isinstance(event, dict) and name in event else {}
    if isinstance(event, dict):
        return []
    return event if isinstance(event, list) else [event]


def passes(test: Any, value: Any) -> bool:
    if not isinstance(test, dict):
        return (type(test) is bool and value is test) or (
            type(test) is not bool and type(value) is not bool and value == test
        )
    ((name, operand),) = test.items()
    if name == "exists":
        return bool(operand)
    if name == "anything-but":
        return not any(passes(each, value) for each in operand)
    if name == "numeric":
        bound = {">": lambda n: n > operand[1], ">=": lambda n: n >= operand[1]}[operand[0]]
        top = {"<": lambda n: n < operand[3], "<=": lambda n: n <= operand[3]}[operand[2]]
        return type(value) in (int, float) and bound(value) and top(value)
    if not isinstance(value, str):
        return False
    if isinstance(operand, dict):
        value, operand = value.lower(), operand["equals-ignore-case"].lower()
    if name == "equals-ignore-case":
        return value.lower() == operand.lower()
    return value.startswith(operand) if name == "prefix" else value.endswith(operand)


def expected(pattern: dict[str, Any], event: Any, path: tuple[str, ...] = ()) -> bool:
    for name, value in pattern.items():
        if name == "$or":
            found = any(expected(branch, event, path) for branch in value)
        elif isinstance(value, dict):
            found = expected(value, event, (*path, name))
        else:
            at = values_at(event, (*path, name))
            found = any(passes(test, each) for test in value for each in at) or (not at and {"exists": False} in value)
        if not found:
            return False
    return True


@pytest.mark.slow
@given(patterns, events)
def test_matches_as_the_plain_evaluator_says(pattern: dict[str, Any], event: Any) -> None:
    assert event_patterns.compile(json.dumps(pattern))(event) is expected(pattern, event)


@pytest.mark.slow
@given(patterns, st.lists(events, max_size=3))
def test_an_array_of_objects_matches_if_one_does(pattern: dict[str, Any], found: list[Any]) -> None:
    """Given that the pattern asks for something that is there."""
    pattern = {**pattern, "needed": ["there"]}
    found = [{**event, "needed": "there"} for event in found]
    matches = event_patterns.compile(json.dumps({"list": pattern}))
    assert matches({"list": found}) is any(matches({"list": event}) for event in found)


@given(st.lists(st.text("ab*\\", max_size=3), min_size=1, max_size=4), st.text("ab*\\", max_size=10))
def test_wildcards_match_as_a_regular_expression_does(parts: list[str], value: str) -> None:
    parts = [parts[0], *(part or "a" for part in parts[1:-1]), *parts[1:][-1:]]  # no two wildcards in a row
    pattern = "*".join(part.replace("\\", "\\\\").replace("*", "\\*") for part in parts)
    by_expression = re.fullmatch(".*".join(map(re.escape, parts)), value, re.DOTALL) is not None
    assert event_patterns.compile(json.dumps({"a": [{"wildcard": pattern}]}))({"a": value}) is by_expression


@given(st.text(max_size=30))
def test_any_text_is_a_pattern_or_is_refused(text: str) -> None:
    with contextlib.suppress(event_patterns.BadPattern):
        event_patterns.compile(text)


@given(
    st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(
                    [
                        "a",
                        "$or",
                        "prefix",
                        "suffix",
                        "numeric",
                        "anything-but",
                        "cidr",
                        "wildcard",
                        "exists",
                        "equals-ignore-case",
                    ]
                ),
                inner,
                max_size=2,
            ),
        ),
    ),
    events,
)
def test_any_json_is_a_pattern_or_is_refused(document: Any, event: Any) -> None:
    try:
        matches = event_patterns.compile(json.dumps(document))
    except event_patterns.BadPattern:
        return
    assert matches(event) in (True, False)
