"""Event patterns: the filter language of event source mappings, compiled to closures over parsed JSON events.

A pattern is a JSON object with the structure of the events it matches; its leaves are lists of alternatives, each a
value or an object with one operator. Sources: EventBridge user guide, "Comparison operators for use in event patterns";
Lambda developer guide, "Control which events Lambda sends to your function"; the readme of AWS's own implementation,
Event Ruler, for what becomes of arrays.

* An event's value that is a list matches if one of its elements does, however deep. Tests of several fields of the
  objects in a list must hold for one and the same object.
* `exists` speaks of leaves: a field whose value is an object does not exist.
* `anything-but` needs a value, and any that is not excluded will do, of whatever type.
* Numbers are JSON numbers. The numbers of DynamoDB's records, {"N": "5"}, are strings: `numeric` never matches them
  (Lambda developer guide, "Using event filtering with a DynamoDB event source").
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import orjson

from statordb.expressions import event_operators
from statordb.expressions.event_operators import BadPattern, Test
from statordb.model.limits import EVENT_PATTERN_CACHE_ENTRIES_MAX, EVENT_PATTERN_DEPTH_MAX

__all__ = ["BadPattern", "Matcher", "compile"]

Matcher = Callable[[Any], bool]
"""Whether a parsed JSON event matches."""

OR = "$or"
OR_BRANCHES_MIN = 2
# Names that a field can't have inside of $or, because they are, or might become, operators.
RESERVED_IN_OR = frozenset(
    (
        *("exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr"),
        *("=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case", "ip-address-in-range"),
        *("ip-address-not-in-range", "date-after", "date-on-or-after", "date-before", "date-on-or-before"),
        "in-date-range",
    )
)

_MISSING = object()

_Node = tuple[Matcher, bool]  # a matcher of values, and whether it asks for nothing but absence


@lru_cache(maxsize=EVENT_PATTERN_CACHE_ENTRIES_MAX)
def compile(pattern: str) -> Matcher:
    """The matcher of a pattern's text, made once for each text. Raises BadPattern."""
    try:
        parsed = orjson.loads(pattern)
    except orjson.JSONDecodeError as fault:
        raise BadPattern(f"Filter is not valid JSON: {fault}") from None
    if not isinstance(parsed, dict):
        raise BadPattern("Filter is not an object")
    return _object(parsed, in_or=False, depth=1)[0]


def _object(pattern: dict[str, Any], in_or: bool, depth: int) -> _Node:
    """Every field matches, and of each $or one branch."""
    if not pattern:
        raise BadPattern("Empty objects are not allowed")
    if depth > EVENT_PATTERN_DEPTH_MAX:
        raise BadPattern(f"Objects are nested more than {EVENT_PATTERN_DEPTH_MAX} deep")
    fields: list[tuple[str, Matcher]] = []
    choices: list[Matcher] = []
    only_absence = True
    for name, value in pattern.items():
        if name == OR:
            matcher, absence = _choice(value, depth + 1)
            choices.append(matcher)
        else:
            if in_or and name in RESERVED_IN_OR:
                raise BadPattern(f"{name} is a reserved name which cannot be used as a field inside {OR}")
            matcher, absence = _field(name, value, in_or, depth + 1)
            fields.append((name, matcher))
        only_absence = only_absence and absence
    return _object_matcher(fields, choices, only_absence), only_absence


def _object_matcher(fields: list[tuple[str, Matcher]], choices: list[Matcher], only_absence: bool) -> Matcher:
    """Of the objects in a list one must match; but if only absence is asked for, no object may hold the field."""
    quantifier = all if only_absence else any

    def matches(value: Any) -> bool:
        if value.__class__ is not dict:
            objects = list(_objects(value)) if value.__class__ is list else None
            if objects:
                return quantifier(map(matches, objects))
            value = {}  # what is no object has no fields
        for name, matcher in fields:
            if not matcher(value.get(name, _MISSING)):
                return False
        return all(choice(value) for choice in choices) if choices else True

    return matches


def _choice(value: Any, depth: int) -> _Node:
    """One of the objects matches."""
    if not isinstance(value, list):
        raise BadPattern(f"{OR} must be an array of objects")
    if not all(isinstance(branch, dict) for branch in value):
        raise BadPattern(f"Only objects are allowed in the array of {OR}")
    if len(value) < OR_BRANCHES_MIN:
        raise BadPattern(f"There must be at least {OR_BRANCHES_MIN} objects in the array of {OR}")
    nodes = [_object(branch, True, depth) for branch in value]
    branches = [matcher for matcher, _ in nodes]

    def matches(event: Any) -> bool:
        return any(branch(event) for branch in branches)

    return matches, all(absence for _, absence in nodes)


def _field(name: str, value: Any, in_or: bool, depth: int) -> _Node:
    if isinstance(value, dict):
        return _object(value, in_or, depth)
    if isinstance(value, list):
        return _leaf(value)
    raise BadPattern(f'"{name}" must be an object or an array')


def _leaf(alternatives: list[Any]) -> _Node:
    """One of the alternatives holds for the value, or for one element of it."""
    if not alternatives:
        raise BadPattern("Empty arrays are not allowed")
    tests: list[Test] = []
    values: list[Any] = []
    absent = False
    for alternative in alternatives:
        if isinstance(alternative, list):
            raise BadPattern("Match value must be String, number, true, false, or null")
        if not isinstance(alternative, dict):
            values.append(alternative)
        elif alternative.get("exists") is False and len(alternative) == 1:
            absent = True
        else:
            tests.append(event_operators.compile(alternative))
    if values:
        tests.insert(0, event_operators.exactly(values))
    return _leaf_matcher(tests, absent), absent and not tests


def _leaf_matcher(tests: list[Test], absent: bool) -> Matcher:
    test = tests[0] if len(tests) == 1 else event_operators.either(tests)

    def matches(value: Any) -> bool:
        kind = value.__class__
        if kind is list:
            scalars = list(_scalars(value))
            return any(map(test, scalars)) if scalars else absent
        if kind is dict or value is _MISSING:
            return absent
        return test(value)

    return matches


def _objects(values: list[Any]) -> Iterator[dict[str, Any]]:
    """The objects in a list, and in the lists in it."""
    for value in values:
        if value.__class__ is dict:
            yield value
        elif value.__class__ is list:
            yield from _objects(value)


def _scalars(values: list[Any]) -> Iterator[Any]:
    """What is neither object nor list in a list, and in the lists in it."""
    for value in values:
        if value.__class__ is list:
            yield from _scalars(value)
        elif value.__class__ is not dict:
            yield value
