"""Entries of a change log: one for each change, told to every reader in the view of its own.

An entry is a head (`_Head`), the primary key's attributes as JSON, and as far as the log carries them the new image as
JSON and the middle of the old one: an old image shares its beginning and its end with the new one, mostly. An entry is
then half as long, and so is what waits for the disk with each write. Sizes by DynamoDB's rules stand in the head, so
every view can tell its own. Nothing is parsed or put together before a reader is told.

Entries of before have the formats 1 and 2: the head's first three parts, and the members of a stream record in the view
of their log. In format 2 the old image is left out, and follows at the end as its difference.
"""

import re
from struct import Struct

import orjson

from statordb.model.values import Item
from statordb.store import codec
from statordb.store.image import Image

FORMAT = 3
_PLAIN, _DELTA = 1, 2  # formats of before
HERE = 0  # origin of a change: it was made in this store
STAMP_BYTES = 10  # the parts of the head that are the same in all formats: format, kind, time
SHOWN = {
    "KEYS_ONLY": (False, False),
    "NEW_IMAGE": (True, False),
    "OLD_IMAGE": (False, True),
    "NEW_AND_OLD_IMAGES": (True, True),
}
"""View -> whether it shows the new image, and the old one."""

# Format, kind, milliseconds since the epoch, origin; length and size of the keys; of the new image; of the old one; how
# many bytes the old image shares with the new one in front, and at the end. Lengths are of JSON, sizes DynamoDB's.
_Head = Struct(">BBQBHHIIIIII")
_HEAD_BYTES = _Head.size
_pack, _unpack = _Head.pack, _Head.unpack_from
# Of an entry of format 2, at its end: where the new image begins and its length, shared in front, shared at the end,
# length of the old image's middle, which stands before this.
_delta = Struct(">IIIII")
_KEYS = len(b'"Keys":')
# The end can't be within the keys: they nest once, and text is escaped.
_KEYS_END = re.compile(rb'\}\},"(?:NewImage|OldImage|SizeBytes)":')


def union(one: str, other: str) -> str:
    """The view that shows what any of two does."""
    both = tuple(a or b for a, b in zip(SHOWN[one], SHOWN[other], strict=True))
    return next(view for view, shown in SHOWN.items() if shown == both)


class Encoder:
    """Makes entries that carry what a view shows."""

    __slots__ = ("_new", "_old")

    def __init__(self, carries: str) -> None:
        self._new, self._old = SHOWN[carries]

    def encode(self, kind: int, keys: Item, keys_size: int, old: Image | None, new: Image | None, now: float) -> bytes:
        """The entry of a change. `keys_size`: bytes of the primary key by DynamoDB's rules; `now`: when it happened, in
        seconds since the epoch."""
        after = before = b""
        new_size = old_size = front = back = 0
        if self._new and new is not None:
            after, new_size = new.text, new.size
        if self._old and old is not None:
            before, old_size = old.text, old.size
        old_length = len(before)
        if after and before:
            front, back = _shared(after, before)
            before = before[front : old_length - back]
        text = orjson.dumps(keys)
        head = _pack(
            FORMAT, kind, int(now * 1000), HERE, len(text), keys_size,
            len(after), new_size, old_length, old_size, front, back,
        )  # fmt: skip
        return b"%b%b%b%b" % (head, text, after, before)


def _shared(one: bytes, other: bytes) -> tuple[int, int]:
    """How many bytes two texts share in front, and how many of the rest at the end; each found by halving."""
    one_end, other_end = len(one), len(other)
    low, high = 0, min(one_end, other_end)
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    front = low
    low, high = 0, min(one_end, other_end) - front
    while low < high:
        middle = (low + high + 1) // 2
        if one[one_end - middle : one_end - low] == other[other_end - middle : other_end - low]:
            low = middle
        else:
            high = middle - 1
    return front, low


class View:
    """What a reader is told of entries, by a stream view type. Those of before are told as they were written."""

    __slots__ = ("_new", "_old", "_tail")

    def __init__(self, name: str) -> None:
        self._new, self._old = SHOWN[name]
        self._tail = b',"SizeBytes":%d,"StreamViewType":"' + name.encode() + b'"'

    def members(self, body: bytes) -> bytes:
        """The JSON members of a change's record: Keys, images, SizeBytes, StreamViewType."""
        if body[0] != FORMAT:
            return _members_before(body)
        _, _, _, _, length, size, new_length, new_size, old_length, old_size, front, back = _unpack(body)
        at = _HEAD_BYTES + length
        end = at + new_length
        told: bytes = b'"Keys":' + body[_HEAD_BYTES:at]
        if self._new and new_length:
            told += b',"NewImage":' + body[at:end]
            size += new_size
        if self._old and old_length:
            told += b',"OldImage":%b%b%b' % (body[at : at + front], body[end:], body[end - back : end])
            size += old_size
        told += self._tail % size
        return told


def _members_before(body: bytes) -> bytes:
    """The members of an entry of format 1 or 2."""
    if body[0] == _PLAIN:
        return body[STAMP_BYTES:]
    assert body[0] == _DELTA, "a format of a newer release"
    end = len(body) - _delta.size
    at, length, front, back, middle = _delta.unpack_from(body, end)
    new = body[at : at + length]
    old = new[:front] + body[end - middle : end] + new[length - back :]
    return body[STAMP_BYTES : at + length] + b',"OldImage":' + old + body[at + length : end - middle]


def keys(body: bytes) -> bytes:
    """The primary key's attributes of the item that was changed, as JSON."""
    if body[0] == FORMAT:
        return body[_HEAD_BYTES : _HEAD_BYTES + _unpack(body)[4]]
    end = _KEYS_END.search(body, STAMP_BYTES)
    assert end is not None, "an entry begins with the keys, and something follows"
    return body[STAMP_BYTES + _KEYS : end.start() + 2]


def new_image(body: bytes) -> bytes | None:
    """What a change left of the item, as JSON; None where there is none, or the entry does not carry it."""
    if body[0] != FORMAT:
        return None
    length, new_length = _unpack(body)[4], _unpack(body)[6]
    return body[_HEAD_BYTES + length : _HEAD_BYTES + length + new_length] if new_length else None


def images(body: bytes) -> tuple[Image | None, Image | None]:
    """The item as a change left it, and as it was before; None where there was none. Of an entry that carries both."""
    _, _, _, _, length, _, new_length, new_size, old_length, old_size, front, back = _unpack(body)
    at = _HEAD_BYTES + length
    end = at + new_length
    new = old = None
    if new_length:
        new = Image(codec.of_text(body[at:end], new_size))
    if old_length:
        shared = body[at : at + front], body[end:], body[end - back : end]
        old = Image(codec.of_text(b"".join(shared), old_size))
    return new, old


def image_size(body: bytes) -> int:
    """Bytes of the larger of the two images, by DynamoDB's rules, of those that the entry carries."""
    if body[0] != FORMAT:
        return 0
    head = _unpack(body)
    return max(head[7], head[9])  # type: ignore[no-any-return]


def origin(body: bytes) -> int:
    """Where a change was made: HERE, or a number of another store."""
    return _unpack(body)[3] if body[0] == FORMAT else HERE


def kind(body: bytes) -> int:
    """`changes.INSERT`, `MODIFY` or `REMOVE`, and `SERVICE` where DynamoDB itself made the change."""
    return body[1]


def milliseconds(body: bytes) -> int:
    """When a change happened, since the epoch."""
    return int.from_bytes(body[2:STAMP_BYTES], "big")
