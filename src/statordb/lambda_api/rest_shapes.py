"""Members of REST requests, read and checked by Lambda's service model.

Reading makes Python values of what JSON, a path, a query string or a header says: types first (SerializationException
names the first fault). Checking then names every broken constraint, up to ten, in AWS's words.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from statordb.lambda_api import faults
from statordb.lambda_api.faults import Fault
from statordb.lambda_api.rest_overrides import ENUMS_OPEN, FREE, RANGES, pattern_of

FAULTS_MAX = 10
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
_WHOLE = {"integer": 2**31, "long": 2**63}


class Member:
    """A member of a structure. `location`: uri, querystring, header, or "" for the body; `wire_name`: its name
    there; `path`: its name as messages spell it."""

    __slots__ = ("location", "name", "path", "required", "shape", "wire_name")

    def __init__(self, name: str, raw: Mapping[str, Any], shape: "Shape", required: bool) -> None:
        self.name = name
        self.shape = shape
        self.required = required
        self.location: str = raw.get("location", "")
        self.wire_name: str = raw.get("locationName", name)
        self.path = name[:1].lower() + name[1:]


class Shape:
    """A shape of the model, resolved. `minimum`, `maximum`: of a number's value, or of the length of anything else."""

    __slots__ = ("element", "enum", "key", "kind", "maximum", "members", "minimum", "name", "pattern", "pattern_text")

    element: "Shape"
    key: "Shape"

    def __init__(self, name: str, raw: Mapping[str, Any]) -> None:
        self.name = name
        self.kind: str = raw["type"]
        self.members: tuple[Member, ...] = ()
        self.minimum: int | None = raw.get("min")
        self.maximum: int | None = raw.get("max")
        self.minimum, self.maximum = RANGES.get(name, (self.minimum, self.maximum))
        self.enum: tuple[str, ...] = tuple(raw.get("enum", ()))
        self.pattern_text: str = raw.get("pattern", "")
        self.pattern: re.Pattern[str] | None = pattern_of(name, self.pattern_text)


class ShapeTable:
    """The shapes of a service model, each resolved when first asked for."""

    def __init__(self, shapes: Mapping[str, Mapping[str, Any]]) -> None:
        self._raw = shapes
        self._shapes: dict[str, Shape] = {}

    def shape(self, name: str) -> Shape:
        found = self._shapes.get(name)
        if found is None:
            raw = self._raw[name]
            found = self._shapes[name] = Shape(name, raw)
            if found.kind == "list":
                found.element = self.shape(raw["member"]["shape"])
            elif found.kind == "map":
                found.key = self.shape(raw["key"]["shape"])
                found.element = self.shape(raw["value"]["shape"])
            elif found.kind == "structure":
                required = frozenset(raw.get("required", ()))
                found.members = tuple(
                    Member(member, given, self.shape(given["shape"]), member in required)
                    for member, given in raw["members"].items()
                )
        return found


def read(shape: Shape, value: Any) -> Any:
    """A value of a JSON body as Python has it: blobs as bytes, timestamps in seconds. Unknown members are dropped.

    Raises SerializationException.
    """
    kind = shape.kind
    fits = isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))
    if not fits:
        raise faults.serialization(f"{_named(value)} can not be converted to {kind.capitalize()}")
    if kind == "structure":
        return {
            member.name: read(member.shape, value[member.wire_name])
            for member in shape.members
            if not member.location and value.get(member.wire_name) is not None
        }
    if kind == "list":
        return [read(shape.element, element) for element in value]
    if kind == "map":
        return {key: read(shape.element, element) for key, element in value.items()}
    if kind == "blob":
        return _blob(value)
    if kind == "timestamp":
        return _seconds(value)
    if kind in _WHOLE and not -_WHOLE[kind] <= value < _WHOLE[kind]:
        raise faults.serialization(f"Value {value} is out of the range of {kind.capitalize()}")
    return value


def read_text(shape: Shape, text: str) -> Any:
    """A value of a path, query string or header. Raises SerializationException."""
    kind = shape.kind
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind in _WHOLE and re.fullmatch(r"-?[0-9]{1,18}", text):
        return read(shape, int(text))
    if kind == "timestamp":
        return _seconds(text)
    if kind != "string":
        raise faults.serialization(f"STRING_VALUE can not be converted to {kind.capitalize()}")
    return text


def _blob(text: str) -> bytes:
    """Decoded piece by piece: nothing else runs in this process while one is decoded, not even in other threads."""
    try:
        pieces = [
            b64decode(text[start : start + PIECE_CHARACTERS], validate=True)
            for start in range(0, len(text), PIECE_CHARACTERS)
        ]
    except (binascii.Error, ValueError):
        raise faults.serialization("A blob is not valid Base64") from None
    if any(len(piece) != PIECE_CHARACTERS // 4 * 3 for piece in pieces[:-1]):  # padded before its end
        raise faults.serialization("A blob is not valid Base64")
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
        raise faults.serialization(f"Unparseable date: {value[:64]}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def check(shape: Shape, request: dict[str, Any], operation: str) -> None:
    """Raise ValidationException if members of a request break constraints."""
    found: list[tuple[Shape, str]] = []
    free = FREE.get(operation, frozenset())
    for member in shape.members:
        if member.name in free and request.get(member.name) is not None:
            continue
        _check_member(member, request.get(member.name), "", found)
    if found:
        raise _error(found[:FAULTS_MAX])


def _error(found: list[tuple[Shape, str]]) -> Fault:
    if len(found) == 1 and found[0][0].name in ENUMS_OPEN:
        return faults.invalid_parameter(f"{found[0][1]} or be a valid ARN")
    texts = [text for _, text in found]
    count = f"{len(texts)} validation error{'s' if len(texts) > 1 else ''} detected"
    return faults.validation(f"{count}: {'; '.join(texts)}")


def _check_member(member: Member, value: Any, parent: str, found: list[tuple[Shape, str]]) -> None:
    path = f"{parent}.{member.path}" if parent else member.path
    if value is not None:
        _check(member.shape, value, path, found)
    elif member.required:
        found.append((member.shape, f"Value null at '{path}' failed to satisfy constraint: Member must not be null"))


def _check(shape: Shape, value: Any, path: str, found: list[tuple[Shape, str]]) -> None:
    if len(found) >= FAULTS_MAX:
        return
    for constraint in _broken(shape, value):
        text = f"Value '{str(value)[:TEXT_CHARACTERS_MAX]}' at '{path}' failed to satisfy constraint: {constraint}"
        found.append((shape, text))
    if shape.kind == "structure":
        for member in shape.members:
            _check_member(member, value.get(member.name), path, found)
    elif shape.kind == "list":
        for position, element in enumerate(value, 1):
            _check(shape.element, element, f"{path}.{position}.member", found)
    elif shape.kind == "map":
        for key, element in value.items():
            _check(shape.key, key, f"{path}.key", found)
            _check(shape.element, element, f"{path}.{key}.member", found)


def _broken(shape: Shape, value: Any) -> list[str]:
    """The texts of a value's own constraints that it breaks."""
    texts: list[str] = []
    if shape.enum:
        if value not in shape.enum:
            texts.append(f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
        return texts
    if shape.kind in ("structure", "blob", "boolean", "timestamp"):
        return texts
    lengthy = shape.kind in ("string", "list", "map")
    measure = len(value) if lengthy else value
    noun = "length" if lengthy else "value"
    if shape.maximum is not None and measure > shape.maximum:
        texts.append(f"Member must have {noun} less than or equal to {shape.maximum}")
    elif shape.pattern is not None and shape.pattern.fullmatch(value) is None:
        texts.append(f"Member must satisfy regular expression pattern: {shape.pattern_text}")
    if shape.minimum is not None and measure < shape.minimum:
        texts.append(f"Member must have {noun} greater than or equal to {shape.minimum}")
    return texts
