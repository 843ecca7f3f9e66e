"""How values, times and sizes are shown. What could lead the eye astray is spelled out: a page shows what there is."""

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from statordb.console.limits import CELL_CHARACTERS

# Controls, and what turns the direction of text or can't be seen (Unicode's Bidi_Control, zero width, separators).
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_UNITS = ("B", "KB", "MB", "GB", "TB")


def visible(text: object) -> str:
    """Text with what nobody would see written as \\u and four digits."""
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", str(text))


def is_plain(text: str) -> bool:
    """Whether a text comes back from a browser's text area as it went there."""
    return "\r" not in text and _INVISIBLE.search(text) is None


def short(text: object, characters: int = CELL_CHARACTERS) -> str:
    """The beginning of a text."""
    found = str(text)
    return visible(found if len(found) <= characters else found[:characters] + "…")


def value(typed: Mapping[str, Any]) -> str:
    """One line for a value of an item, such as {"N": "1"}."""
    kind, content = next(iter(typed.items()))
    if kind in ("S", "N"):
        return str(content)
    if kind == "BOOL":
        return "true" if content else "false"
    if kind == "NULL":
        return "null"
    if kind == "B":
        return f"{len(content)} bytes: {base64.b64encode(bytes(content[:48])).decode()}"
    return document(typed[kind])


def document(content: Any, indent: int | None = None) -> str:
    """JSON for DynamoDB's typed values: numbers are texts there, and so keep all digits."""
    return spelled(json.dumps(content, ensure_ascii=False, indent=indent, default=_packed))


def spelled(text: str) -> str:
    """JSON with what nobody would see as escapes, which mean the same."""
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _packed(content: Any) -> str:
    if isinstance(content, bytes | bytearray):
        return base64.b64encode(content).decode()
    if isinstance(content, datetime):
        return content.isoformat()
    return str(content)


def size(count: float | None) -> str:
    if count is None:
        return "–"
    amount = float(count)
    for unit in _UNITS:
        if amount < 1000 or unit == _UNITS[-1]:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError


def number(amount: Any) -> str:
    """A count with its thousands apart."""
    if amount is None:
        return "–"
    return f"{amount:,}" if isinstance(amount, int) else f"{amount:,.3f}".rstrip("0").rstrip(".")


def when(time: Any) -> str:
    """A moment in UTC."""
    if time in (None, ""):
        return "–"
    moment = time if isinstance(time, datetime) else datetime.fromtimestamp(float(time), UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


FILTERS = {
    "visible": visible,
    "short": short,
    "value": lambda typed: short(value(typed)),
    "document_line": lambda content: short(document(content)),
    "document": lambda content: document(content, 2),
    "size": size,
    "number": number,
    "when": when,
    "zip_same": lambda names: [(name, name) for name in names],  # what is sent and what is shown, of choices
}
