"""Deserialization of a request, the precise way: JSON types against shapes, judged and converted as AWS does.

Only one fault is ever told: the first that a parser meets that reads the document from its beginning.
The texts are those recorded in dynalite's `validations/`; that for a character that is no Base64 is the AWS SDK for
Java's, whose codec shares the others' wording.
"""

import math
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from typing import Any

from statordb.model.errors import ClientError, serialization, validation
from statordb.shapes.nodes import NUMBERS, Node

STRUCTURE_FOUND = "Start of structure or map found where not expected"
LIST_FOUND = "Start of list found where not expected"
SCALAR_AS_FIELD = "Unexpected field type"
SCALAR_AS_ELEMENT = "Unexpected value type in payload"
SCALAR_AS_COLLECTION_ELEMENT = (
    "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class "
    "(sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base "
    "of loader 'bootstrap')"
)
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_TRUE = frozenset({"TRUE", "1", "YES"})
_FALSE = frozenset({"FALSE", "0", "NO"})


def decode(node: Node, document: object) -> dict[str, Any]:
    """The request as typed values: unknown members and null members dropped, numbers and booleans converted.

    The very same dict if nothing had to change. A null inside a list or map stays, for the constraints to judge.
    Raises SerializationException; ValidationException for values nested beyond all limits.
    """
    if type(document) is dict:
        return _structure(node, document, True, 0)  # type: ignore[no-any-return]
    raise serialization(LIST_FOUND if type(document) is list else None)


def _structure(node: Node, value: Any, field: bool, depth: int) -> Any:
    if type(value) is not dict:
        if type(value) is list:
            raise serialization(f"Unrecognized collection type class {node.java}")
        raise serialization(SCALAR_AS_FIELD if field else SCALAR_AS_ELEMENT)
    union = node.union
    if union is not None:
        if depth == union.depth_max:
            raise validation(union.too_deep)
        depth += 1
    members = node.members
    result = {}
    same = True
    for name, content in value.items():
        member = members.get(name)
        if member is None or content is None:
            same = False
            continue
        result[name] = decoded = _DECODERS[member.node.kind](member.node, content, True, depth)
        same = same and decoded is content
    return value if same else result


def _list(node: Node, value: Any, field: bool, depth: int) -> Any:
    if type(value) is not list:
        if type(value) is dict:
            raise serialization(STRUCTURE_FOUND)
        raise serialization(SCALAR_AS_FIELD if field else SCALAR_AS_COLLECTION_ELEMENT)
    element = node.element
    decoder = _DECODERS[element.kind]
    result = [None if member is None else decoder(element, member, False, depth) for member in value]
    return value if all(map(_is, result, value)) else result


def _map(node: Node, value: Any, field: bool, depth: int) -> Any:
    if type(value) is not dict:
        if type(value) is list:
            raise serialization(f"Unrecognized collection type {node.java}")
        raise serialization(SCALAR_AS_FIELD if field else SCALAR_AS_COLLECTION_ELEMENT)
    element = node.element
    decoder = _DECODERS[element.kind]
    result = {key: None if member is None else decoder(element, member, False, depth) for key, member in value.items()}
    return value if all(map(_is, result.values(), value.values())) else result


def _is(left: object, right: object) -> bool:
    return left is right


def _collection_fault(node: Node, value: object) -> ClientError | None:
    """The fault of a list or an object where a scalar belongs."""
    if type(value) is dict:
        return serialization(STRUCTURE_FOUND)
    if type(value) is list:
        return serialization(f"Unrecognized collection type class {node.java}")
    return None


def _conversion_fault(node: Node, value: object, wanted: str) -> ClientError:
    """The fault of a value of another JSON type."""
    fault = _collection_fault(node, value)
    if fault is not None:
        return fault
    if type(value) is str:
        token = "STRING_VALUE"
    elif type(value) is bool:
        token = "TRUE_VALUE" if value else "FALSE_VALUE"
    elif type(value) is float and not value.is_integer():
        token = "DECIMAL_VALUE"
    else:
        token = "NUMBER_VALUE"
    return serialization(f"{token} cannot be converted to {wanted}")


def _string(node: Node, value: Any, field: bool, depth: int) -> Any:
    if type(value) is str:
        return value
    raise _conversion_fault(node, value, "String")


def _boolean(node: Node, value: Any, field: bool, depth: int) -> Any:
    if type(value) is bool:
        return value
    if type(value) is str:
        word = value.upper()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise serialization("Unexpected token received from parser")
    raise _conversion_fault(node, value, "Boolean")


def _number(node: Node, value: Any, field: bool, depth: int) -> Any:
    """A whole number is cut and bounded to its Java type; a double or timestamp keeps what JSON says."""
    wanted, low, high = NUMBERS[node.kind]
    if type(value) is not int and type(value) is not float:
        raise _conversion_fault(node, value, wanted)
    if low is None or high is None or (type(value) is int and low <= value <= high):
        return value
    if type(value) is float and not math.isfinite(value):
        return high if value > 0 else low
    return min(max(int(value), low), high)


def is_base64(text: str) -> bool:
    """Whether a text is Base64 in canonical form, the only one that AWS takes."""
    try:
        return b2a_base64(a2b_base64(text), newline=False).decode() == text
    except (Base64Error, ValueError):
        return False


def _blob(node: Node, value: Any, field: bool, depth: int) -> Any:
    if type(value) is str:
        if is_base64(value):
            return value
        raise serialization(_base64_fault(value))
    raise _collection_fault(node, value) or serialization("only base-64-encoded strings are convertible to bytes")


def _base64_fault(text: str) -> str:
    if len(text) % 4:
        return f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(text)}"
    padding = 2 if text.endswith("==") else 1 if text.endswith("=") else 0
    for character in text[: len(text) - padding]:
        if character not in _BASE64:
            return f"Invalid base 64 character: '{character}'"
    return "Invalid last non-pad Base64 character dectected"


_DECODERS: dict[str, Callable[[Node, Any, bool, int], Any]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "boolean": _boolean,
    "integer": _number,
    "long": _number,
    "float": _number,
    "double": _number,
    "timestamp": _number,
    "blob": _blob,
}
