"""Ion text to items: of Ion what DynamoDB can have, in lines as exports write them.

AWS's own library for Python is exact and general, and takes 130 us for an item where this takes 20 to 35; it also
needs numpy. What it makes of a text, and this of what it writes, is compared in tests. An Ion int is taken for a
decimal of that value. Source: Ion's specification (text encoding); developer guide, "Amazon S3 import formats for
DynamoDB", Amazon Ion.
"""

import re
from typing import Any, NoReturn

from statordb.exchange.entries import Entry, Record, Unfit, Unreadable, checked
from statordb.exchange.ion_lines import ANNOTATIONS, MARKER
from statordb.exchange.json_lines import CONDITION_MEMBERS, NO_ITEM, condition_of, micros_of
from statordb.model.errors import nested_too_deeply
from statordb.model.limits import NESTING_DEPTH_MAX
from statordb.model.values import Item, Value

_SPACE = r"[ \t\r\n\v\f]*"
_STRING = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_FIELD = re.compile(
    rf"{_SPACE}(?:(}})|(?:([A-Za-z_$][A-Za-z0-9_$]*)|'([^'\\]*(?:\\.[^'\\]*)*)'|{_STRING}){_SPACE}:(?!:){_SPACE})",
    re.ASCII | re.DOTALL,
)
_SCALAR = re.compile(
    rf"{_STRING}|(-?(?:0|[1-9][0-9]*(?:_[0-9]+)*)(?:\.(?:[0-9]+(?:_[0-9]+)*)?)?(?:[dD][+-]?[0-9]+)?)"
    rf"|\{{\{{([A-Za-z0-9+/= \t\r\n\v\f]*)\}}\}}|(null(?:\.null)?|true|false)(?![A-Za-z0-9_$.])",
    re.ASCII | re.DOTALL,
)
_ANNOTATION = re.compile(rf"([A-Za-z_$][A-Za-z0-9_$]*|'[^'\\]*'){_SPACE}::{_SPACE}", re.ASCII)
_NEXT = re.compile(rf"{_SPACE}(?:([,}}\]]){_SPACE})?")
_BEGIN = re.compile(rf"{_SPACE}(?:{re.escape(MARKER)}(?![A-Za-z0-9_$]){_SPACE})?\{{")
_END = re.compile(rf"{_SPACE}\Z")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPED = {"0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "v": "\v"}
_ESCAPED |= {mark: mark for mark in "\"'?/\\"} | {"\n": ""}
_SETS = {annotation: tag for tag, annotation in ANNOTATIONS.items()}
_MEMBERS = {"SS": "S", "NS": "N", "BS": "B"}
_CONTAINERS_MAX = NESTING_DEPTH_MAX + 3  # of a line: the outermost, Record and an image, around an item's values

NO_UTF8 = "The line is not UTF-8"


def read_line(line: bytes, index: int) -> Entry | Record:
    """An item or a record; raises Unreadable for what is no Ion that DynamoDB could have, Unfit for what is no item."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise Unreadable(NO_UTF8) from None
    begin = _BEGIN.match(text)
    if begin is None:
        raise Unreadable("The line does not begin an Ion struct")
    reading = _Reading(text, begin.end())
    fields = reading.struct(1)
    if not _END.match(text, reading.at):
        reading.refuse()
    if "Item" in fields:
        return Entry(index, *checked(_map(fields, "Item")), _condition(fields) if len(fields) > 1 else b"")
    if "Record" in fields:
        return _record(_map(fields, "Record"), index)
    raise Unfit(NO_ITEM)


def _map(fields: Item, name: str) -> Item:
    found = fields[name].get("M") if name in fields else None
    if found is None:
        raise Unfit(f"{name} is not a struct")
    item: Item = found
    return item


def _condition(fields: Item) -> bytes:
    """What an item of a bulk put is to be put on: a string, and structs of names and of values."""
    given: dict[str, Any] = {}
    for name in CONDITION_MEMBERS:
        for tag, content in fields.get(name, {}).items():
            given[name] = content
            if name == "ExpressionAttributeNames" and tag == "M":
                given[name] = {placeholder: value.get("S") for placeholder, value in content.items()}
    return condition_of(given)


def _record(record: Item, index: int) -> Record:
    new, old = (checked(_map(record, image))[0] if image in record else None for image in ("NewImage", "OldImage"))
    micros = micros_of(checked(_map(record, "Metadata"))[0].get("WriteTimestampMicros"))
    return Record(index, micros, checked(_map(record, "Keys"))[0], new, old)


class _Reading:
    """Where one line is read."""

    __slots__ = ("at", "text")

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at

    def refuse(self) -> NoReturn:
        raise Unreadable(f"The line is not Ion that DynamoDB has, at character {self.at + 1}")

    def struct(self, depth: int) -> Item:
        """Behind its opening brace."""
        fields: Item = {}
        text = self.text
        while True:
            found = _FIELD.match(text, self.at)
            if found is None:
                self.refuse()
            self.at = found.end()
            end, symbol, quoted, string = found.groups()
            if end:
                return fields
            if symbol is None:
                name = unescaped(string if quoted is None else quoted)
            elif symbol[0] == "$" and symbol[1:2].isdigit():  # a symbol by its number, whose table is not here
                self.refuse()
            else:
                name = symbol
            fields[name] = self._value(depth)
            if self._next("}"):
                return fields

    def _next(self, end: str) -> bool:
        """Whether the container ends here; else a comma is passed."""
        found = _NEXT.match(self.text, self.at)
        mark = found[1] if found else None
        if found is None or (mark != "," and mark != end):
            self.refuse()
        self.at = found.end()
        return mark == end

    def _value(self, depth: int) -> Value:
        text = self.text
        found = _SCALAR.match(text, self.at)
        if found is not None:
            self.at = found.end()
            return self._scalar(found)
        if text.startswith("{", self.at):
            self._enter(depth)
            return {"M": self.struct(depth + 1)}
        if text.startswith("[", self.at):
            self._enter(depth)
            return {"L": self._list(depth + 1)}
        return self._set(depth)

    def _scalar(self, found: re.Match[str]) -> Value:
        string, number, blob, word = found.groups()
        if string is not None:
            return {"S": unescaped(string)}
        if number is not None:
            return {"N": number.replace("d", "E").replace("D", "E").replace("_", "")}
        if blob is not None:
            return {"B": "".join(blob.split())}
        return {"BOOL": word == "true"} if word in ("true", "false") else {"NULL": True}

    def _enter(self, depth: int) -> None:
        if depth > _CONTAINERS_MAX:
            raise Unfit(nested_too_deeply().message)
        self.at += 1

    def _list(self, depth: int) -> list[Value]:
        """Behind its opening bracket."""
        members: list[Value] = []
        while True:
            begin = _NEXT.match(self.text, self.at)
            if begin is not None and begin[1] == "]":
                self.at = begin.end()
                return members
            self.at += len(begin[0]) if begin is not None and not begin[1] else 0
            members.append(self._value(depth))
            if self._next("]"):
                return members

    def _set(self, depth: int) -> Value:
        found = _ANNOTATION.match(self.text, self.at)
        tag = _SETS.get(found[1].strip("'")) if found else None
        if found is None or tag is None or not self.text.startswith("[", found.end()):
            self.refuse()
        self.at = found.end() + 1
        wanted = _MEMBERS[tag]
        members: list[Any] = []
        for value in self._list(depth + 1):
            if wanted not in value:
                raise Unfit(f"A member of a set {ANNOTATIONS[tag]} has another type")
            members.append(value[wanted])
        return {tag: members}


def unescaped(text: str) -> str:
    """The content of a quoted text."""
    if "\\" not in text:
        return text
    content = _ESCAPE.sub(_character, text)
    try:
        return content.encode("utf-16", "surrogatepass").decode("utf-16")  # puts pairs together
    except UnicodeDecodeError:
        raise Unreadable("A string has half of a surrogate pair") from None


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code is not None:
        if int(code, 16) > 0x10FFFF:
            raise Unreadable("A string has an escape that is no character")
        return chr(int(code, 16))
    character = _ESCAPED.get(found[4])
    if character is None:
        raise Unreadable("A string has an unknown escape")
    return character
