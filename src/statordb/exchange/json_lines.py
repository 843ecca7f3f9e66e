"""DynamoDB JSON, a line for each item or record.

Source: developer guide, "DynamoDB table export output format" and "Amazon S3 import formats for DynamoDB".
"""

from collections.abc import Sequence
from typing import Any

import orjson

from statordb.exchange.entries import Entry, Record, Unfit, Unreadable, checked

NO_ITEM = "The line has no Item"
NO_TIME = "The Metadata of a record has no WriteTimestampMicros"
CONDITION = "ConditionExpression"
CONDITION_MEMBERS = (CONDITION, "ExpressionAttributeNames", "ExpressionAttributeValues")
_DIGITS_MAX = 18  # of microseconds since 1970


def item_lines(texts: Sequence[bytes]) -> bytes:
    """Lines of a full export, of items as their JSON."""
    return b'{"Item":%b}\n' % b'}\n{"Item":'.join(texts) if texts else b""


def record_line(micros: int, keys: bytes, new: bytes | None, old: bytes | None) -> bytes:
    """A line of an incremental export, of keys and images as their JSON."""
    return b'{"Metadata":{"WriteTimestampMicros":{"N":"%d"}},"Keys":%b%b%b}\n' % (
        micros,
        keys,
        b"" if old is None else b',"OldImage":' + old,
        b"" if new is None else b',"NewImage":' + new,
    )


def read_line(line: bytes, index: int) -> Entry | Record:
    """An item or a record; raises Unreadable for what is no JSON, Unfit for what is no item."""
    try:
        value = orjson.loads(line)
    except ValueError as fault:
        raise Unreadable(f"The line is not JSON: {fault}") from None
    if type(value) is not dict:
        raise Unfit(NO_ITEM)
    if "Item" in value:
        return Entry(index, *checked(value["Item"]), condition_of(value) if len(value) > 1 else b"")
    if "Keys" in value:
        return _record(value, index)
    raise Unfit(NO_ITEM)


def condition_of(line: dict[str, Any]) -> bytes:
    """What an item of a bulk put is to be put on, as members of a request."""
    return (
        b"" if CONDITION not in line else orjson.dumps({name: line[name] for name in CONDITION_MEMBERS if name in line})
    )


def _record(value: dict[str, Any], index: int) -> Record:
    new, old = (checked(value[image])[0] if image in value else None for image in ("NewImage", "OldImage"))
    metadata = value.get("Metadata")
    micros = metadata.get("WriteTimestampMicros") if type(metadata) is dict else None
    return Record(index, micros_of(micros), checked(value["Keys"])[0], new, old)


def micros_of(value: Any) -> int:
    """The time of a record, by its value in wire form."""
    text = value.get("N") if type(value) is dict else None
    if type(text) is not str or not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
        raise Unfit(NO_TIME)
    return int(text)
