"""Changes: what counts as one, and how consumers are told of the entries that a log has of them."""

from hashlib import blake2b
from zlib import adler32

from statordb.engine.contract import Change
from statordb.model.equality import equal
from statordb.store import entries
from statordb.store.image import Image

INSERT, MODIFY, REMOVE = 0, 1, 2
SERVICE = 0x80  # of the kind's byte: made by DynamoDB itself (time to live)
EVENT_NAMES = ("INSERT", "MODIFY", "REMOVE")
SEQUENCE_BASE = 10**20  # makes sequence numbers 21 digits long, as AWS's are, so that they sort as text too


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
    return entries.milliseconds(body) / 1000


class Teller:
    """Tells of the changes of one shard of a stream as the records of GetRecords, or as those of a Lambda event."""

    def __init__(self, stream_arn: str, region: str, view: str, shard: str, to_function: bool = False) -> None:
        self._members = entries.View(view).members
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
        kind = entries.kind(body)
        front = self._fronts[kind] % (sequence, entries.milliseconds(body) // 1000, SEQUENCE_BASE + sequence)
        return front + self._members(body) + self._backs[kind]


def _back(stream_arn: str, to_function: bool, service: bool) -> bytes:
    """What follows the members of `dynamodb`. The API names the maker with capitals, a function's event without."""
    back = b"}"
    if service:
        names = (b"principalId", b"type") if to_function else (b"PrincipalId", b"Type")
        back += b',"userIdentity":{"%b":"dynamodb.amazonaws.com","%b":"Service"}' % names
    if to_function:
        back += b',"eventSourceARN":"%b"' % stream_arn.encode()
    return back + b"}"
