"""What an update owes to other partitions: rows of derived spaces, change log entries, an announcement. As bytes, so
that it can lie in a pending row, or in a transaction's record, until it is relayed."""

from struct import Struct
from typing import NamedTuple

import orjson

from statordb.engine.cassandra.cluster.announcements import Announced, names_of

FORMAT = 1  # releases before the keyspace's format 3 pass over the names behind everything: to them it may be anything

_head = Struct(">BB")
_derived = Struct(">qqIIi")  # space, version, lengths of partition, sort, body (-1: deleted)
_change = Struct(">qII")  # stream, lengths of shard and body
_count = Struct(">II")


class Derived(NamedTuple):
    """A row of a derived space, to be put, or deleted (None), as of a version."""

    space: int
    partition: bytes
    sort: bytes
    body: bytes | None
    version: int


class Owed(NamedTuple):
    """changes: stream, shard, body; their sequences are the update's version and those that follow, STEP apart."""

    derived: list[Derived]
    changes: list[tuple[int, bytes, bytes]]
    announce: Announced

    def __bool__(self) -> bool:
        return bool(self.derived or self.changes or self.announce)

    def encode(self) -> bytes:
        parts = [_head.pack(FORMAT, bool(self.announce)), _count.pack(len(self.derived), len(self.changes))]
        for space, partition, sort, body, version in self.derived:
            length = -1 if body is None else len(body)
            parts += (_derived.pack(space, version, len(partition), len(sort), length), partition, sort, body or b"")
        for stream, shard, body in self.changes:
            parts += (_change.pack(stream, len(shard), len(body)), shard, body)
        names = names_of(self.announce)
        if names:
            parts.append(orjson.dumps(list(names)))
        return b"".join(parts)

    @classmethod
    def decode(cls, data: bytes) -> "Owed":
        """Raises ValueError for a format of another release, or what follows from bytes that are none of ours."""
        form, announce = _head.unpack_from(data)
        if form != FORMAT:
            raise ValueError(f"what is owed has format {form}, where {FORMAT} is known")
        at = _head.size
        rows, entries = _count.unpack_from(data, at)
        at += _count.size
        derived: list[Derived] = []
        for _ in range(rows):
            space, version, partition_end, sort_end, length = _derived.unpack_from(data, at)
            at += _derived.size
            partition_end += at
            sort_end += partition_end
            end = sort_end + max(length, 0)
            body = None if length < 0 else data[sort_end:end]
            derived.append(Derived(space, data[at:partition_end], data[partition_end:sort_end], body, version))
            at = end
        changes: list[tuple[int, bytes, bytes]] = []
        for _ in range(entries):
            stream, shard_length, length = _change.unpack_from(data, at)
            at += _change.size
            shard = data[at : at + shard_length]
            at += shard_length
            changes.append((stream, shard, data[at : at + length]))
            at += length
        named = tuple(orjson.loads(data[at:])) if announce and at < len(data) else bool(announce)
        return cls(derived, changes, named)
