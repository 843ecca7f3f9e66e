"""Change records as they are put into a Kinesis data stream.

The form is that of the developer guide, "Using Kinesis Data Streams to capture changes to DynamoDB".
"""

from hashlib import blake2b
from typing import NamedTuple
from uuid import NAMESPACE_OID, uuid5

import orjson

from statordb.metering.units import write_units
from statordb.store import changes, entries
from statordb.store.changes import EVENT_NAMES, SERVICE
from statordb.store.destinations import BEFORE, VIEW
from statordb.store.records import TableRecord
from statordb.store.terms import Change

MICROSECOND = "MICROSECOND"
MILLISECOND = "MILLISECOND"
PARTITION_KEY_CHARACTERS = 32
SKEW_MICROSECONDS_MAX = 1_000_000  # times that lie further back are those of a clock that was set back

_members = entries.View(VIEW).members
_VIEW_MEMBER = b',"StreamViewType":"%b"' % VIEW.encode()
_SERVICE_IDENTITY = {"principalId": "dynamodb.amazonaws.com", "type": "Service"}


class Entry(NamedTuple):
    """One record for PutRecords: the sequence number of its change, its partition key, and its data. `moment`: its time
    in microseconds since the epoch, 0 where the data has milliseconds. `units`: of change data capture, one for each KB
    of the larger image."""

    sequence: int
    partition_key: str
    data: bytes
    moment: int = 0
    units: int = 1

    @property
    def size(self) -> int:
        """Bytes that Kinesis counts."""
        return len(self.partition_key) + len(self.data)


class Encoder:
    """Makes the records of one shard.

    A change has the same eventID whenever it is sent, also after a restart, and one item's changes have the same
    partition key.
    """

    def __init__(self, table: TableRecord, space: int, shard: str) -> None:
        name = f"{table.id}/{space}"
        self._namespace = uuid5(NAMESPACE_OID, name if shard == BEFORE else f"{name}/{shard}")
        self._front = b'{"awsRegion":%b,"eventID":"' % orjson.dumps(table.region)
        self._middles = {
            code | made: b'","eventName":"%b","userIdentity":%b,"recordFormat":"application/json","tableName":%b,'
            b'"dynamodb":{"ApproximateCreationDateTime":'
            % (name.encode(), orjson.dumps(_SERVICE_IDENTITY if made else None), orjson.dumps(table.name))
            for code, name in enumerate(EVENT_NAMES)
            for made in (0, SERVICE)
        }
        self.latest = 0  # of all times that were given; microseconds since the epoch

    def partition_key(self, change: Change) -> str:
        """A digest of the primary key of the changed item."""
        return blake2b(entries.keys(change.body), digest_size=PARTITION_KEY_CHARACTERS // 2).hexdigest().upper()

    def encode(self, change: Change, partition_key: str, precision: str, after: int | None = None) -> Entry:
        """The record of a change; changes come in the order of the shard. `after`: for a change that was passed over
        and comes out of that order, the moment of the one before it of its item."""
        sequence, body = change
        moment = entries.milliseconds(body)
        if precision == MICROSECOND:
            moment = self._microseconds(moment, sequence, after)
        data = b'%b%b%b%d,%b,"ApproximateCreationDateTimePrecision":"%b"},"eventSource":"aws:dynamodb"}' % (
            self._front,
            str(uuid5(self._namespace, str(sequence))).encode(),
            self._middles[entries.kind(body)],
            moment,
            _members(body).removesuffix(_VIEW_MEMBER),
            precision.encode(),
        )
        units = write_units(entries.image_size(body))
        return Entry(sequence, partition_key, data, moment if precision == MICROSECOND else 0, units)

    def _microseconds(self, milliseconds: int, sequence: int, after: int | None) -> int:
        """A time that grows from change to change. Within a millisecond, the sequence number tells them apart."""
        moment = milliseconds * 1000 + sequence % 1000
        latest = self.latest if after is None else after
        if 0 <= latest - moment < SKEW_MICROSECONDS_MAX:
            moment = latest + 1
        self.latest = moment if after is None else max(moment, self.latest)
        return moment


def happened_at(change: Change) -> float:
    """Seconds since the epoch."""
    return changes.happened_at(change.body)
