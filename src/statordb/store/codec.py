"""The stored body of an item: a small header (format, item size by DynamoDB's rules), then the item as wire JSON.

The JSON is byte for byte what GetItem returns, so reads splice it into the answer without parsing it.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from statordb.model.values import Item

FORMAT_PLAIN = b"\x01"
HEADER_BYTES = 5  # one of format, four of size


def encode(item: Item, size: int) -> bytes:
    """Body of a checked item of `size` bytes (DynamoDB's rules)."""
    return FORMAT_PLAIN + size.to_bytes(4, "big") + orjson.dumps(item)


def of_text(text: bytes, size: int) -> bytes:
    """Body of an item that is there as wire JSON."""
    return FORMAT_PLAIN + size.to_bytes(4, "big") + text


def size(body: bytes) -> int:
    """Item size by DynamoDB's rules, without parsing the item."""
    return int.from_bytes(body[1:HEADER_BYTES], "big")


def sizes(bodies: Sequence[bytes]) -> list[int]:
    """The same of several."""
    from_bytes = int.from_bytes
    return [from_bytes(body[1:HEADER_BYTES], "big") for body in bodies]


def text(body: bytes) -> bytes:
    """The item as wire JSON."""
    return body[HEADER_BYTES:]


def decode(body: bytes) -> Item:
    """The item."""
    item: Item = orjson.loads(body[HEADER_BYTES:])
    return item


def splice(answer: dict[str, Any], member: str, value: bytes) -> bytes:
    """JSON of an answer with one more member in front, whose JSON is given."""
    rest = orjson.dumps(answer)
    return b'{"%b":%b%b%b' % (member.encode(), value, b"," if len(rest) > 2 else b"", rest[1:])
