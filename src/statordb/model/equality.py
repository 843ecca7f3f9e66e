"""Whether checked values are the same: sets regardless of order, documents member by member.

Checked values are normalised, so that the interpreter's own comparison decides about all but sets, whose members may
stand in another order. Only documents that have sets within are walked here, and only where they differ otherwise.
What walks a document spends before it does.
"""

from base64 import b64decode
from itertools import compress
from operator import ne
from typing import Any

import orjson

from statordb.model.budget import UNBOUNDED, WALK_UNITS, Budget, members_of
from statordb.model.limits import UNIT_BYTES

Value = dict[str, Any]

SCALARS = frozenset(("S", "N", "B", "BOOL", "NULL"))
_DOCUMENTS = frozenset(("L", "M"))
_SETS = frozenset(("SS", "NS", "BS"))
# JSON of a set within a document, and of nothing else: quotes within strings are escaped.
_SET_MARK = b'S":['
_SEARCH_BYTES = UNIT_BYTES // 8  # of a text in which another is sought, a unit
_SHORT = 1024  # characters of a text that is searched, or of JSON that is compared, for nothing


def equal(a: Value, b: Value, budget: Budget = UNBOUNDED) -> bool:
    """Whether two checked values are the same."""
    for tag, left in a.items():
        right = b.get(tag)
        if right is None:
            return False
        if tag in SCALARS:
            return bool(left == right)
        if len(left) != len(right):
            return False
        if tag in _DOCUMENTS:
            return _equal_documents(tag, left, right, budget)
        budget.spend(2 * len(left))
        return left == right or set(left) == set(right)
    raise AssertionError("a checked value has a type")


def _equal_documents(tag: str, left: Any, right: Any, budget: Budget) -> bool:
    """Of two lists, or two maps, of one length."""
    text = orjson.dumps(right)
    if len(text) > _SHORT:
        units = members_of(text)
        budget.spend(units * (WALK_UNITS if _SET_MARK in text else 1))
    return left == right or (_SET_MARK in text and _equal_but_for_order(tag, left, right))


def _equal_but_for_order(tag: str, left: Any, right: Any) -> bool:
    """Of two contents that are not the same to the interpreter."""
    if tag in SCALARS or len(left) != len(right):
        return False
    if tag == "L":
        for one, other in compress(zip(left, right, strict=True), map(ne, left, right)):
            if not _equal_otherwise(one, other):
                return False
        return True
    if tag == "M":
        for name, one in left.items():
            other = right.get(name)
            if other is None or (one != other and not _equal_otherwise(one, other)):
                return False
        return True
    return set(left) == set(right)


def _equal_otherwise(a: Value, b: Value) -> bool:
    for tag, content in a.items():
        return tag in b and _equal_but_for_order(tag, content, b[tag])
    raise AssertionError("a checked value has a type")


def contains(value: Value, sought: Value, budget: Budget = UNBOUNDED) -> bool:
    """A substring of a string, a part of a binary, a member of a set, an element of a list."""
    for tag, content in value.items():
        part = sought.get(tag)
        if tag == "S":
            return part is not None and part in searched(content, budget)
        if tag == "B":
            return part is not None and b64decode(part) in b64decode(searched(content, budget))
        if tag == "L":
            return _has_element(content, sought, budget)
        if tag in _SETS:
            budget.spend(len(content))
            return tag[0] in sought and sought[tag[0]] in content
    return False


def searched(text: str, budget: Budget) -> str:
    """A text, once what it takes to go through it has been spent."""
    if len(text) > _SHORT:
        budget.spend(len(text) // _SEARCH_BYTES)
    return text


def _has_element(elements: list[Value], sought: Value, budget: Budget) -> bool:
    budget.spend(len(elements))
    if not SCALARS.isdisjoint(sought):
        return sought in elements
    units = members_of(orjson.dumps(elements))
    budget.spend(units)
    if sought in elements:
        return True
    if _SET_MARK not in orjson.dumps(sought):
        return False
    budget.spend(units * WALK_UNITS)
    return any(_equal_otherwise(element, sought) for element in elements)
