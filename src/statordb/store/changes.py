"""Change records: what a table's writes append to its change logs, and how consumers are told of them.

A body is one byte of format, one of kind (`INSERT`, `MODIFY`, `REMOVE`, and `SERVICE` where DynamoDB itself made the
change), eight of time (milliseconds since the epoch), and JSON members of a stream record: Keys, the images that the
view shows, SizeBytes, StreamViewType. They are put together when the change is made; telling of them only adds what a
position in a log gives: SequenceNumber and eventID.

Where both images are shown and are much alike, the old one is left out, and follows at the end as what differs: its
middle, and the lengths of what it shares with the new one in front and at the end (`DELTA`). A change's record is then
half as long, and so is what waits for the disk with each write.
"""

from hashlib import blake2b
from struct import Struct
from zlib import adler32

import orjson

from statordb.engine.contract import Change
from statordb.model.equality import equal
from statordb.model.values import Item
from statordb.store.image import Image

FORMAT = 1
DELTA = 2  # a format: the old image is kept as its difference from the new one
DELTA_SAVES_MIN = 200  # bytes
INSERT, MODIFY, REMOVE = 0, 1, 2
SERVICE = 0x80  # of the kind's byte: made by DynamoDB itself (time to live)
EVENT_NAMES = ("INSERT", "MODIFY", "REMOVE")
HEADER_BYTES = 10
SEQUENCE_BASE = 10**20  # makes sequence numbers 21 digits long, as AWS's are, so that they sort as text too

_pack_header = Struct(">BBQ").pack
# Of a DELTA body, at its end: where the new image begins and its length, shared in front, shared at the end, length of
# the old image's middle, which stands before this.
_delta = Struct(">IIIII")


def kind(old: Image | None, new: Image | None) -> int | None:
    """INSERT, MODIFY or REMOVE; None where nothing changed: equal items, or none before and after."""
    if old is None:
        return None if new is None else INSERT
    if new is None:
        return REMOVE
    before, after = old.body, new.body
    if before == after:
        return None
    # Equal items have texts of the same bytes, since only the order of members and of set elements may differ: of equal
    # length, and of equal sum, which is the lower half of an Adler-32. So few pairs have to be parsed.
    if (
        len(before) == len(after)
        and adler32(before) & 0xFFFF == adler32(after) & 0xFFFF
        and equal({"M": old.item}, {"M": new.item})
    ):
        return None
    return MODIFY


def head(kind: int, keys: Item, service: bool, now: float) -> bytes:
    """The front of a change's body, the same in all views. `now`: when it happened, in seconds since the epoch."""
    stamp = _pack_header(FORMAT, kind | SERVICE if service else kind, int(now * 1000))
    return stamp + b'"Keys":' + orjson.dumps(keys)


class View:
    """What a stream view type shows of changes."""

    __slots__ = ("_new", "_old", "_tail")

    def __init__(self, name: str) -> None:
        self._new = name in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")
        self._old = name in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES")
        self._tail = b',"SizeBytes":%d,"StreamViewType":"' + name.encode() + b'"'

    def encode(self, head: bytes, keys_size: int, old: Image | None, new: Image | None) -> bytes:
        """Body of a change; `keys_size`: bytes of the primary key by DynamoDB's rules."""
        if self._new and new is not None:
            head += b',"NewImage":'
            text = new.text
            keys_size += new.size
            if self._old and old is not None:
                keys_size += old.size
                return _with_both(head, text, old.text, self._tail % keys_size)
            return head + text + self._tail % keys_size
        if self._old and old is not None:
            return head + b',"OldImage":' + old.text + self._tail % (keys_size + old.size)
        return head + self._tail % keys_size


def _with_both(head: bytes, new: bytes, old: bytes, tail: bytes) -> bytes:
    """The body of a change that shows both images; the shorter of its two forms."""
    front, back = _shared(new, old)
    if front + back < DELTA_SAVES_MIN:
        return head + new + b',"OldImage":' + old + tail
    middle = old[front : len(old) - back]
    numbers = _delta.pack(len(head), len(new), front, back, len(middle))
    return b"%c%b%b%b%b%b" % (DELTA, head[1:], new, tail, middle, numbers)


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


def members(body: bytes) -> bytes:
    """The JSON members of a change's record: Keys, images, SizeBytes, StreamViewType."""
    if body[0] != DELTA:
        return body[HEADER_BYTES:]
    end = len(body) - _delta.size
    at, length, front, back, middle = _delta.unpack_from(body, end)
    new = body[at : at + length]
    old = new[:front] + body[end - middle : end] + new[length - back :]
    return body[HEADER_BYTES : at + length] + b',"OldImage":' + old + body[at + length : end - middle]


def sequence_text(sequence: int) -> str:
    """A sequence number as the API shows it: 21 digits."""
    return str(SEQUENCE_BASE + sequence)


def parse_sequence(text: str) -> int | None:
    """The inverse; None for what is no sequence number of ours."""
    if not (text.isascii() and text.isdigit()) or len(text) != 21:
        return None
    sequence = int(text) - SEQUENCE_BASE
    return sequence if 0 <= sequence < 1 << 64 else None


def happened_at(body: bytes) -> float:
    """Seconds since the epoch, with milliseconds."""
    return int.from_bytes(body[2:HEADER_BYTES], "big") / 1000


class Teller:
    """Tells of the changes of one shard of a stream as the records of GetRecords, or as those of a Lambda event."""

    def __init__(self, stream_arn: str, region: str, shard: str, to_function: bool = False) -> None:
        seed = blake2b(f"{stream_arn}/{shard}".encode(), digest_size=8).hexdigest()
        self._fronts, self._backs = {}, {}
        for code, name in enumerate(EVENT_NAMES):
            for made in (0, SERVICE):
                self._fronts[code | made] = (
                    f'{{"eventID":"{seed}%016x","eventName":"{name}","eventVersion":"1.1","eventSource":"aws:dynamodb",'
                    f'"awsRegion":"{region}","dynamodb":{{"ApproximateCreationDateTime":%d,"SequenceNumber":"%d",'
                ).encode()
                self._backs[code | made] = _back(stream_arn, to_function, made == SERVICE)

    def tell(self, change: Change) -> bytes:
        """The JSON of one record."""
        sequence, body = change
        kind = body[1]
        seconds = int.from_bytes(body[2:HEADER_BYTES], "big") // 1000
        front = self._fronts[kind] % (sequence, seconds, SEQUENCE_BASE + sequence)
        return front + (members(body) if body[0] == DELTA else body[HEADER_BYTES:]) + self._backs[kind]


def _back(stream_arn: str, to_function: bool, service: bool) -> bytes:
    """What follows the members of `dynamodb`. The API names the maker with capitals, a function's event without."""
    back = b"}"
    if service:
        names = (b"principalId", b"type") if to_function else (b"PrincipalId", b"Type")
        back += b',"userIdentity":{"%b":"dynamodb.amazonaws.com","%b":"Service"}' % names
    if to_function:
        back += b',"eventSourceARN":"%b"' % stream_arn.encode()
    return back + b"}"
