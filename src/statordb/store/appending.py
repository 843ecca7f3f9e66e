"""What a table's writes append to its change log."""

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b

from statordb.engine.contract import Key
from statordb.model.schema import KeySchema
from statordb.model.values import item_size
from statordb.store import changes, entries
from statordb.store.image import Image
from statordb.store.records import LogHead

Logged = tuple[int, bytes, bytes]
"""A change as an update's effects have it: space of the log, shard, body."""


class Appender:
    """The open shards of a table's log. Writes ask for their entry with what they found and what they leave."""

    __slots__ = ("_encode", "_lowers", "_names", "_names_size", "_only", "_shards", "_space", "paused")

    def __init__(self, head: LogHead, schema: KeySchema) -> None:
        self._space = head.space
        self.paused = head.paused  # writes wait
        self._encode = entries.Encoder(head.carries).encode
        self._lowers = [lower for lower, _ in head.shards]
        self._shards: list[bytes] = [shard.encode() for _, shard in head.shards]
        self._only = self._shards[0] if len(self._shards) == 1 else None
        self._names = schema.names
        # Of strings and binaries the key's own bytes are what counts towards their size; numbers are counted otherwise.
        plain = all(attribute.type != "N" for attribute in schema.attributes)
        self._names_size = sum(len(name.encode()) for name in schema.names) if plain else None

    def logged(self, key: Key, old: Image | None, new: Image | None, service: bool, now: float) -> Sequence[Logged]:
        """The entry of a write of one item; none if it changes nothing.

        `service`: made by DynamoDB itself, when time to live is over. `now`: seconds since the epoch.
        """
        kind = changes.kind(old, new)
        if kind is None:
            return ()
        item = new.item if new is not None else old.item  # type: ignore[union-attr]
        _, partition, sort = key
        keys = {name: item[name] for name in self._names}
        size = self._names_size
        size = item_size(keys) if size is None else size + len(partition) + len(sort)
        if service:
            kind |= changes.SERVICE
        shard = self._only or self._shards[bisect_right(self._lowers, partition_hash(partition)) - 1]
        return ((self._space, shard, self._encode(kind, keys, size, old, new, now)),)


def partition_hash(partition: bytes) -> int:
    """Where a partition lies in the hash range that shards divide: 0 to 2**64 - 1."""
    return int.from_bytes(blake2b(partition, digest_size=8).digest(), "big")
