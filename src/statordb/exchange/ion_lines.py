"""Ion text, a line for each item or record, as exports to S3 have it.

    $ion_1_0 {Item:{Id:103.,PageCount:6d2,Authors:$dynamodb_SS::["a","b"]}}

Numbers are decimals with as few digits as they have, as Ion's Java library writes them (IonTextAppender.printDecimal);
sets are lists with an annotation. Source: developer guide, "DynamoDB table export output format", Amazon Ion.
"""

import re
from collections.abc import Callable
from typing import Any

import orjson

from statordb.model.values import Item, Value

MARKER = "$ion_1_0"
ANNOTATIONS = {"SS": "$dynamodb_SS", "NS": "$dynamodb_NS", "BS": "$dynamodb_BS"}
PLAIN_EXPONENT_MIN = -6  # of a number's first digit; below, an exponent is written

_SYMBOL = re.compile(r"(?!(?:null|true|false|nan)\Z|\$[0-9])[A-Za-z_$][A-Za-z0-9_$]*", re.ASCII)
_QUOTED_MARKS = re.compile(r"[\\'\x00-\x1f]")


def item_line(text: bytes) -> str:
    """A line of a full export, of an item as its JSON."""
    return f"{MARKER} {{Item:{_struct(orjson.loads(text))}}}\n"


def record_line(micros: int, keys: bytes, new: bytes | None, old: bytes | None) -> str:
    """A line of an incremental export, of keys and images as their JSON."""
    images = "".join(
        f",{name}:{_struct(orjson.loads(image))}"
        for name, image in (("OldImage", old), ("NewImage", new))
        if image is not None
    )
    parts = f"Keys:{_struct(orjson.loads(keys))},Metadata:{{WriteTimestampMicros:{_decimal(str(micros))}}}{images}"
    return f"{MARKER} {{Record:{{{parts}}}}}\n"


def _struct(item: Item) -> str:
    return "{" + ",".join([_field(name, value) for name, value in item.items()]) + "}"


def _field(name: str, value: Value) -> str:
    symbol = name if _SYMBOL.fullmatch(name) else quoted(name)
    for tag, content in value.items():
        return f"{symbol}:{_WRITERS[tag](content)}"
    raise AssertionError("a stored value has a type")


def quoted(name: str) -> str:
    """A symbol that is no identifier."""
    return "'" + _QUOTED_MARKS.sub(lambda mark: _escape(mark[0]), name) + "'"


def _escape(mark: str) -> str:
    return "\\" + mark if mark in "\\'" else f"\\x{ord(mark):02x}"


def _string(content: str) -> str:
    return orjson.dumps(content).decode()  # each escape of JSON is one of Ion


def _decimal(text: str) -> str:
    """A normalised number, without the zeros that only say how large it is."""
    whole, _, fraction = text.partition(".")
    if not fraction:
        digits = whole.rstrip("0")
        if digits in ("", "-"):
            return "0."
        zeros = len(whole) - len(digits)
        return f"{digits}d{zeros}" if zeros else whole + "."
    digits = (whole + fraction).lstrip("-0")
    if len(digits) - 1 - len(fraction) >= PLAIN_EXPONENT_MIN:
        return text
    return f"{'-' if text[0] == '-' else ''}{digits}d-{len(fraction)}"


def _value(value: Value) -> str:
    for tag, content in value.items():
        return _WRITERS[tag](content)
    raise AssertionError("a stored value has a type")


def _blob(content: str) -> str:
    return "{{" + content + "}}"


def _set(tag: str, write: Callable[[str], str]) -> Callable[[list[str]], str]:
    return lambda members: f"{ANNOTATIONS[tag]}::[{','.join(map(write, members))}]"


_WRITERS: dict[str, Callable[[Any], str]] = {
    "S": _string,
    "N": _decimal,
    "B": _blob,
    "BOOL": lambda content: "true" if content else "false",
    "NULL": lambda content: "null",
    "M": _struct,
    "L": lambda members: "[" + ",".join(map(_value, members)) + "]",
    "SS": _set("SS", _string),
    "NS": _set("NS", _decimal),
    "BS": _set("BS", _blob),
}
