"""Attribute values in wire form: {"S": "x"}, {"N": "1.5"}, {"L": [...]} ...; the rules of content, order and size.

A value's JSON structure was checked before (api/shapes); here its content is checked and normalised once, on the way
in: numbers to their normal text and sets to their order, so that equal values are the same (but for sets that an older
release stored). Sources: developer guide, "Supported data types and naming rules" and "DynamoDB item sizes and
formats".
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

from statordb.model import numbers
from statordb.model.errors import (
    ClientError,
    duplicates,
    invalid_parameters,
    listed,
    nested_too_deeply,
    validation,
    validation_as_it_is,
)
from statordb.model.limits import ITEM_BYTES_MAX, NESTING_DEPTH_MAX
from statordb.model.sets import in_order

Value = dict[str, Any]
Item = dict[str, Value]

TYPES = ("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL")
COLLECTION_BYTES = 3  # of every list and map, and one more for each member


def type_of(value: Mapping[str, Any]) -> str:
    """The one type tag of a checked value."""
    for tag in value:
        return tag
    raise AssertionError("a checked value has a type")


def check(value: Value, bytes_max: int = ITEM_BYTES_MAX, further_levels: int = 0) -> int:
    """Validate and normalise a value in place; returns its size in bytes. Raises ValidationException.

    Where that is more than `bytes_max`, not all of the value has been looked at, and it must not be used.
    `further_levels`: how much deeper it may be nested than an item's values.
    """
    return _check(value, -further_levels, bytes_max)


def check_item(item: Item, bytes_max: int = ITEM_BYTES_MAX) -> int:
    """The same for an item, attribute names included."""
    if "" in item:
        raise validation("Empty attribute name")
    total = 0
    for name, value in item.items():
        total += len(name) if name.isascii() else len(name.encode())
        total += _check(value, 0, bytes_max - total)
        if total > bytes_max:
            break
    return total


def _check(value: Value, depth: int, room: int) -> int:
    """`room`: bytes after which nobody wants to know the rest."""
    if len(value) != 1:
        raise _not_one_type(value, depth, room)
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
        return _CHECKS[tag](value, content, depth, room)
    raise AssertionError("unreachable")


def _not_one_type(value: Value, depth: int, room: int) -> ClientError:
    """The fault of a value of no type, or of several, whose contents' faults come first."""
    if not value:
        return validation_as_it_is(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        )
    for tag, content in value.items():
        _check({tag: content}, depth, room)
    return validation_as_it_is(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
    )


def _check_binary(value: Value, content: str, depth: int, room: int) -> int:
    return binary_size(content)


def _check_null(value: Value, content: bool, depth: int, room: int) -> int:
    if not content:
        raise invalid_parameters("Null attribute value types must have the value of true")
    return 1


def _check_strings(value: Value, content: list[str], depth: int, room: int) -> int:
    if not content:
        raise invalid_parameters("An string set  may not be empty")
    if len(content) > room + 1:  # each but one has a byte at least
        return len(content)
    if len(set(content)) != len(content):
        raise duplicates(content)
    value["SS"] = in_order("SS", content)
    return sum(len(text.encode()) for text in content)


def _check_numbers(value: Value, content: list[str], depth: int, room: int) -> int:
    if not content:
        raise invalid_parameters("An number set  may not be empty")
    if len(content) > room + 1:  # each but one has a byte at least
        return len(content)
    texts = [numbers.normalize(text) for text in content]
    if len(set(texts)) != len(texts):
        raise validation("Input collection contains duplicates")
    value["NS"] = in_order("NS", texts)
    return sum(map(numbers.size, texts))


def _check_binaries(value: Value, content: list[str], depth: int, room: int) -> int:
    if not content:
        raise invalid_parameters("Binary sets should not be empty")
    if len(content) > room + 1:  # each but one has a byte at least
        return len(content)
    if len(set(content)) != len(content):
        raise invalid_parameters(f"Input collection [{listed(content)}]of type BS contains duplicates.")
    value["BS"] = in_order("BS", content)
    return sum(map(binary_size, content))


def _deeper(depth: int) -> int:
    if depth >= NESTING_DEPTH_MAX - 1:
        raise nested_too_deeply()
    return depth + 1


def _check_list(value: Value, content: list[Value], depth: int, room: int) -> int:
    total = COLLECTION_BYTES + len(content)
    depth = _deeper(depth)
    for member in content:
        if total > room:
            break
        total += _check(member, depth, room - total)
    return total


def _check_map(value: Value, content: Item, depth: int, room: int) -> int:
    total = COLLECTION_BYTES + len(content)
    depth = _deeper(depth)
    if "" in content:
        raise validation("Empty attribute name")
    for name, member in content.items():
        if total > room:
            break
        total += len(name) if name.isascii() else len(name.encode())
        total += _check(member, depth, room - total)
    return total


_CHECKS: dict[str, Callable[[Value, Any, int, int], int]] = {
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
    """Size in bytes of a checked value; of one that is too large for any item, something beyond ITEM_BYTES_MAX."""
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
            return _list_size(content)
        if tag == "NS":
            return sum(map(numbers.size, content))
        if tag == "SS":
            return sum(len(text.encode()) for text in content)
        return sum(map(binary_size, content))
    raise AssertionError("a checked value has a type")


def item_size(item: Item) -> int:
    """Size in bytes of a checked item: attribute names and values; of one that is too large, as `size`."""
    total = 0
    for name, value in item.items():
        total += (len(name) if name.isascii() else len(name.encode())) + size(value)
        if total > ITEM_BYTES_MAX:
            break
    return total


def _list_size(members: list[Value]) -> int:
    total = COLLECTION_BYTES + len(members)
    for member in members:
        if total > ITEM_BYTES_MAX:
            break
        total += size(member)
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
