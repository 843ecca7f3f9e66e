"""Values of AWS's REST protocols in JSON, read and checked by the service model.

Reading makes Python values of what JSON, a path, a query string or a header says, and tells the first that is of
another type. Checking then names every broken constraint, up to ten, in AWS's words.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Set
from datetime import UTC, datetime
from typing import Any, NamedTuple

from statordb.shapes.constraints import NOT_NULL, VIOLATIONS_MAX, broken
from statordb.shapes.nodes import NUMBERS, Member, Node

PIECE_CHARACTERS = 1 << 20  # of Base64, decoded at a time: 3 ms
TEXT_CHARACTERS_MAX = 1024  # of a value inside a message

_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "float": (int, float),
    "timestamp": (int, float, str),
    "blob": (str,),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
}


class Unreadable(Exception):
    """A value is of another type than its shape; args[0] is the text that tells."""


class Violation(NamedTuple):
    """A broken constraint: the shape whose it is, and the text that tells."""

    node: Node
    text: str


def read(node: Node, value: Any) -> Any:
    """A value of a JSON body as Python has it: blobs as bytes, timestamps in seconds. Unknown members are dropped.

    Raises Unreadable.
    """
    kind = node.kind
    fits = isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))
    if not fits:
        raise Unreadable(f"{_named(value)} can not be converted to {kind.capitalize()}")
    if kind == "structure":
        return {
            member.name: read(member.node, value[member.wire_name])
            for member in node.members.values()
            if not member.location and value.get(member.wire_name) is not None
        }
    if kind == "list":
        return [read(node.element, element) for element in value]
    if kind == "map":
        return {key: read(node.element, element) for key, element in value.items()}
    if kind == "blob":
        return _blob(value)
    if kind == "timestamp":
        return _seconds(value)
    if kind in NUMBERS:
        _, low, high = NUMBERS[kind]
        if low is not None and high is not None and not low <= value <= high:
            raise Unreadable(f"Value {value} is out of the range of {kind.capitalize()}")
    return value


def read_text(node: Node, text: str) -> Any:
    """A value of a path, query string or header. Raises Unreadable."""
    kind = node.kind
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind in ("integer", "long") and re.fullmatch(r"-?[0-9]{1,18}", text):
        return read(node, int(text))
    if kind in ("double", "float") and re.fullmatch(r"[+-]?[0-9]{1,64}(\.[0-9]{0,64})?([eE][+-]?[0-9]{1,3})?", text):
        return float(text)
    if kind == "timestamp":
        return _seconds(text)
    if kind != "string":
        raise Unreadable(f"STRING_VALUE can not be converted to {kind.capitalize()}")
    return text


def _blob(text: str) -> bytes:
    """Decoded piece by piece: nothing else runs in this process while one is decoded, not even in other threads."""
    try:
        pieces = [
            b64decode(text[start : start + PIECE_CHARACTERS], validate=True)
            for start in range(0, len(text), PIECE_CHARACTERS)
        ]
    except (binascii.Error, ValueError):
        raise Unreadable("A blob is not valid Base64") from None
    if any(len(piece) != PIECE_CHARACTERS // 4 * 3 for piece in pieces[:-1]):  # padded before its end
        raise Unreadable("A blob is not valid Base64")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _named(value: Any) -> str:
    for types, name in (
        (bool, "TRUE_VALUE" if value else "FALSE_VALUE"),
        (str, "STRING_VALUE"),
        (dict, "START_OBJECT"),
    ):
        if isinstance(value, types):
            return name
    return "START_ARRAY" if isinstance(value, list) else "NULL_VALUE" if value is None else "NUMBER_VALUE"


def _seconds(value: float | str) -> float:
    """Seconds since the epoch of a timestamp: a number of them, or ISO 8601 text (UTC where it names no zone)."""
    if not isinstance(value, str):
        return float(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Unreadable(f"Unparseable date: {value[:64]}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def violations(node: Node, request: dict[str, Any], free: Set[str] = frozenset()) -> list[Violation]:
    """The first VIOLATIONS_MAX broken constraints of a request's members. `free`: members that are not looked at."""
    found: list[Violation] = []
    for member in node.members.values():
        if member.name not in free or request.get(member.name) is None:
            _check_member(member, request.get(member.name), "", found)
    return found[:VIOLATIONS_MAX]


def _check_member(member: Member, value: Any, parent: str, found: list[Violation]) -> None:
    path = f"{parent}.{member.path}" if parent else member.path
    if value is not None:
        _check(member.node, value, path, found)
    elif member.required:
        found.append(Violation(member.node, f"Value null at '{path}' failed to satisfy constraint: {NOT_NULL}"))


def _check(node: Node, value: Any, path: str, found: list[Violation]) -> None:
    if len(found) >= VIOLATIONS_MAX:
        return
    for constraint in _told(node, value):
        text = f"Value '{str(value)[:TEXT_CHARACTERS_MAX]}' at '{path}' failed to satisfy constraint: {constraint}"
        found.append(Violation(node, text))
    if node.kind == "structure":
        for member in node.members.values():
            _check_member(member, value.get(member.name), path, found)
    elif node.kind == "list":
        for position, element in enumerate(value, 1):
            _check(node.element, element, f"{path}.{position}.member", found)
    elif node.kind == "map":
        for key, element in value.items():
            _check(node.key, key, f"{path}.key", found)
            _check(node.element, element, f"{path}.{key}.member", found)


def _told(node: Node, value: Any) -> list[str]:
    """The texts of a value's own constraints that it breaks: of one that is too long the pattern is not told."""
    enum, pattern, minimum, maximum = broken(node, value)
    return [text for text in (enum, maximum or pattern, minimum) if text]
