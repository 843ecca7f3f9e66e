"""Change records: what a table's writes append to its change logs, and how consumers are told of them.

A body is one byte of format, one of kind (`INSERT`, `MODIFY`, `REMOVE`, and `SERVICE` where DynamoDB itself made the
change), eight of time (milliseconds since the epoch), and JSON members of a stream record: Keys, the images that the
view shows, SizeBytes, StreamViewType. They are put together when the change is made; telling of them only adds what a
position in a log gives: SequenceNumber and eventID.
"""

from hashlib import blake2b
from struct import Struct
from zlib import adler32

import orjson

from statordb.engine.contract import Change
from statordb.model import values
from statordb.model.values import Item
from statordb.store.image import Image

FORMAT = 1
INSERT, MODIFY, REMOVE = 0, 1, 2
SERVICE = 0x80  # of the kind's byte: made by DynamoDB itself (time to live)
EVENT_NAMES = ("INSERT", "MODIFY", "REMOVE")
VIEWS = ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES")
HEADER_BYTES = 10
SEQUENCE_BASE = 10**20  # makes sequence numbers 21 digits long, as AWS's are, so that they sort as text too

_header = Struct(">BBQ")
_SHOWS_NEW = frozenset({"NEW_IMAGE", "NEW_AND_OLD_IMAGES"})
_SHOWS_OLD = frozenset({"OLD_IMAGE", "NEW_AND_OLD_IMAGES"})


def kind(old: Image | None, new: Image | None) -> int | None:
    """INSERT, MODIFY or REMOVE; None where nothing changed: equal items, or none before and after."""
    if old is None:
        return None if new is None else INSERT
    if new is None:
        return REMOVE
    before, after = old.body, new.body
    if before == after:
        return None
    if len(before) == len(after) and _sum(before) == _sum(after) and values.equal({"M": old.item}, {"M": new.item}):
        return None
    return MODIFY


def _sum(body: bytes) -> int:
    """The sum of all bytes, modulo 65,521: the lower half of their Adler-32.

    Equal items have texts of the same bytes: only the order of members and of set elements may differ. So most changes
    of equal length are seen without parsing the items.
    """
    return adler32(body) & 0xFFFF


def encode(
    view: str, change: int, old: Image | None, new: Image | None, keys: Item, service: bool, now: float
) -> bytes:
    """Body of a change that happened at `now` (seconds since the epoch); `keys`: the item's primary key."""
    size = values.item_size(keys)
    images = b""
    if new is not None and view in _SHOWS_NEW:
        size += new.size
        images = b',"NewImage":' + new.text
    if old is not None and view in _SHOWS_OLD:
        size += old.size
        images += b',"OldImage":' + old.text
    return b'%b"Keys":%b%b,"SizeBytes":%d,"StreamViewType":"%b"' % (
        _header.pack(FORMAT, change | SERVICE if service else change, int(now * 1000)),
        orjson.dumps(keys),
        images,
        size,
        view.encode(),
    )


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
        return front + body[HEADER_BYTES:] + self._backs[kind]


def _back(stream_arn: str, to_function: bool, service: bool) -> bytes:
    """What follows the members of `dynamodb`. The API names the maker with capitals, a function's event without."""
    back = b"}"
    if service:
        names = (b"principalId", b"type") if to_function else (b"PrincipalId", b"Type")
        back += b',"userIdentity":{"%b":"dynamodb.amazonaws.com","%b":"Service"}' % names
    if to_function:
        back += b',"eventSourceARN":"%b"' % stream_arn.encode()
    return back + b"}"
