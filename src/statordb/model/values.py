"""Attribute values in wire form: {"S": "x"}, {"N": "1.5"}, {"L": [...]} ...; the rules of content, order and size.

A value's JSON structure was checked before (api/shapes); here its content is checked and normalised once, on the way
in: numbers to their normal text, so that equal values have equal parts (sets up to order). Sources: developer guide,
"Supported data types and naming rules" and "DynamoDB item sizes and formats".
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

from statordb.model import numbers
from statordb.model.errors import ClientError, invalid_parameters, validation
from statordb.model.limits import NESTING_DEPTH_MAX

Value = dict[str, Any]
Item = dict[str, Value]

TYPES = ("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL")
COLLECTION_BYTES = 3  # of every list and map, and one more for each member


def type_of(value: Mapping[str, Any]) -> str:
    """The one type tag of a checked value."""
    for tag in value:
        return tag
    raise AssertionError("a checked value has a type")


def check(value: Value) -> int:
    """Validate and normalise a value in place; returns its size in bytes. Raises ValidationException."""
    return _check(value, 0)


def check_item(item: Item) -> int:
    """Validate and normalise an item in place; returns its size in bytes, attribute names included."""
    if "" in item:
        raise validation("Empty attribute name")
    total = 0
    for name, value in item.items():
        total += (len(name) if name.isascii() else len(name.encode())) + _check(value, 0)
    return total


def _check(value: Value, depth: int) -> int:
    if len(value) != 1:
        raise _not_one_type(value, depth)
    for tag, content in value.items():
        if tag == "S":
            return len(content) if content.isascii() else len(content.encode())
        if tag == "N":
            text = numbers.normalize(content)
            if text is not content:
                value["N"] = text
            return numbers.size(text)
        if tag == "BOOL":
            return 1
        return _CHECKS[tag](value, content, depth)
    raise AssertionError("unreachable")


def _not_one_type(value: Value, depth: int) -> ClientError:
    """The fault of a value of no type, or of several, whose contents' faults come first."""
    if not value:
        return validation("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
    for tag, content in value.items():
        _check({tag: content}, depth)
    return validation(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
    )


def _check_binary(value: Value, content: str, depth: int) -> int:
    return binary_size(content)


def _check_null(value: Value, content: bool, depth: int) -> int:
    if not content:
        raise invalid_parameters("Null attribute value types must have the value of true")
    return 1


def _check_strings(value: Value, content: list[str], depth: int) -> int:
    if not content:
        raise invalid_parameters("An string set  may not be empty")
    if len(set(content)) != len(content):
        raise invalid_parameters(f"Input collection [{', '.join(content)}] contains duplicates.")
    return sum(len(text.encode()) for text in content)


def _check_numbers(value: Value, content: list[str], depth: int) -> int:
    if not content:
        raise invalid_parameters("An number set  may not be empty")
    value["NS"] = texts = [numbers.normalize(text) for text in content]
    if len(set(texts)) != len(texts):
        raise validation("Input collection contains duplicates")
    return sum(map(numbers.size, texts))


def _check_binaries(value: Value, content: list[str], depth: int) -> int:
    if not content:
        raise invalid_parameters("Binary sets should not be empty")
    if len(set(content)) != len(content):
        raise invalid_parameters(f"Input collection [{', '.join(content)}]of type BS contains duplicates.")
    return sum(map(binary_size, content))


def nested_too_deeply() -> ClientError:
    return validation(
        "Nesting Levels have exceeded supported limits: "
        "Attributes in the item have nested levels beyond supported limit"
    )


def _deeper(depth: int) -> int:
    if depth >= NESTING_DEPTH_MAX - 1:
        raise nested_too_deeply()
    return depth + 1


def _check_list(value: Value, content: list[Value], depth: int) -> int:
    total = COLLECTION_BYTES + len(content)
    depth = _deeper(depth)
    for member in content:
        total += _check(member, depth)
    return total


def _check_map(value: Value, content: Item, depth: int) -> int:
    total = COLLECTION_BYTES + len(content)
    depth = _deeper(depth)
    if "" in content:
        raise validation("Empty attribute name")
    for name, member in content.items():
        total += len(name.encode()) + _check(member, depth)
    return total


_CHECKS: dict[str, Callable[[Value, Any, int], int]] = {
    "B": _check_binary,
    "NULL": _check_null,
    "SS": _check_strings,
    "NS": _check_numbers,
    "BS": _check_binaries,
    "L": _check_list,
    "M": _check_map,
}


def binary_size(text: str) -> int:
    """Bytes behind a canonical base64 text."""
    return len(text) // 4 * 3 - (text.endswith("=") + text.endswith("==") if text else 0)


def depth_of(value: Value) -> int:
    """Levels of nesting of a checked value: 0 for a scalar or a set, 1 for a list or map of such."""
    for tag, content in value.items():
        if tag == "L":
            return 1 + max(map(depth_of, content), default=0)
        if tag == "M":
            return 1 + max(map(depth_of, content.values()), default=0)
    return 0


def size(value: Value) -> int:
    """Size in bytes of a checked value."""
    for tag, content in value.items():
        if tag == "S":
            return len(content) if content.isascii() else len(content.encode())
        if tag == "N":
            return numbers.size(content)
        if tag == "BOOL" or tag == "NULL":
            return 1
        if tag == "B":
            return binary_size(content)
        if tag == "M":
            return COLLECTION_BYTES + len(content) + item_size(content)
        if tag == "L":
            return COLLECTION_BYTES + len(content) + sum(map(size, content))
        if tag == "NS":
            return sum(map(numbers.size, content))
        if tag == "SS":
            return sum(len(text.encode()) for text in content)
        return sum(map(binary_size, content))
    raise AssertionError("a checked value has a type")


def item_size(item: Item) -> int:
    """Size in bytes of a checked item: attribute names and values."""
    total = 0
    for name, value in item.items():
        total += (len(name) if name.isascii() else len(name.encode())) + size(value)
    return total


def compare(a: Value, b: Value) -> int:
    """-1, 0 or 1 for two numbers, two strings (in UTF-8 order) or two binaries (as unsigned bytes)."""
    if "N" in a:
        return numbers.compare(a["N"], b["N"])
    left: str | bytes
    right: str | bytes
    if "S" in a:
        left, right = a["S"], b["S"]  # code point order is UTF-8's order
    else:
        left, right = b64decode(a["B"]), b64decode(b["B"])
    if left == right:
        return 0
    return -1 if left < right else 1  # type: ignore[operator]  # both are of one type
