"""Change records as they are put into a Kinesis data stream.

The form is that of the developer guide, "Using Kinesis Data Streams to capture changes to DynamoDB".
"""

import re
from hashlib import blake2b
from typing import NamedTuple
from uuid import NAMESPACE_OID, uuid5

import orjson

from statordb.engine.contract import Change
from statordb.store import changes
from statordb.store.changes import EVENT_NAMES, HEADER_BYTES, SERVICE
from statordb.store.destinations import VIEW
from statordb.store.records import TableRecord

MICROSECOND = "MICROSECOND"
MILLISECOND = "MILLISECOND"
PARTITION_KEY_CHARACTERS = 32
SKEW_MICROSECONDS_MAX = 1_000_000  # times that lie further back are those of a clock that was set back

_KEYS = len(b'"Keys":')
_KEYS_END = re.compile(rb'\}\},"(?:New|Old)Image":')  # can't be within the keys: they nest once, and text is escaped
_VIEW_MEMBER = b',"StreamViewType":"%b"' % VIEW.encode()
_SERVICE_IDENTITY = {"principalId": "dynamodb.amazonaws.com", "type": "Service"}


class Entry(NamedTuple):
    """One record for PutRecords: the sequence number of its change, its partition key, and its data."""

    sequence: int
    partition_key: str
    data: bytes

    @property
    def size(self) -> int:
        """Bytes that Kinesis counts."""
        return len(self.partition_key) + len(self.data)


class Encoder:
    """Makes the records of one feed.

    A change has the same eventID whenever it is sent, also after a restart, and one item's changes have the same
    partition key.
    """

    def __init__(self, table: TableRecord, space: int) -> None:
        self._namespace = uuid5(NAMESPACE_OID, f"{table.id}/{space}")
        self._front = b'{"awsRegion":%b,"eventID":"' % orjson.dumps(table.region)
        self._middles = {
            code | made: b'","eventName":"%b","userIdentity":%b,"recordFormat":"application/json","tableName":%b,'
            b'"dynamodb":{"ApproximateCreationDateTime":'
            % (name.encode(), orjson.dumps(_SERVICE_IDENTITY if made else None), orjson.dumps(table.name))
            for code, name in enumerate(EVENT_NAMES)
            for made in (0, SERVICE)
        }
        self._latest = 0  # microseconds since the epoch

    def encode(self, change: Change, precision: str) -> Entry:
        """The record of a change; changes come in the order of the feed."""
        sequence, body = change
        moment = int.from_bytes(body[2:HEADER_BYTES], "big")
        if precision == MICROSECOND:
            moment = self._microseconds(moment, sequence)
        members = body[HEADER_BYTES:].removesuffix(_VIEW_MEMBER)
        end = _KEYS_END.search(members)
        assert end is not None, "a feed has an image of each change"
        keys = members[_KEYS : end.start() + 2]
        data = b'%b%b%b%d,%b,"ApproximateCreationDateTimePrecision":"%b"},"eventSource":"aws:dynamodb"}' % (
            self._front,
            str(uuid5(self._namespace, str(sequence))).encode(),
            self._middles[body[1]],
            moment,
            members,
            precision.encode(),
        )
        return Entry(sequence, blake2b(keys, digest_size=PARTITION_KEY_CHARACTERS // 2).hexdigest().upper(), data)

    def _microseconds(self, milliseconds: int, sequence: int) -> int:
        """A time that grows from change to change. Within a millisecond, the sequence number tells them apart."""
        moment = milliseconds * 1000 + sequence % 1000
        if 0 <= self._latest - moment < SKEW_MICROSECONDS_MAX:
            moment = self._latest + 1
        self._latest = moment
        return moment


def happened_at(change: Change) -> float:
    """Seconds since the epoch."""
    return changes.happened_at(change.body)
