"""What a table's writes append to its change logs: its stream's, and those that wait to be sent on."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from statordb.engine.contract import Key
from statordb.model.schema import KeySchema
from statordb.model.values import item_size
from statordb.store import changes, entries
from statordb.store.image import Image
from statordb.store.records import FeedRecord, TableRecord

Logged = tuple[int, bytes, bytes]
"""A change as an update's effects have it: space of the log, shard, body."""


class Feed:
    """One change log of a table, with its open shards."""

    __slots__ = ("_lowers", "_only", "_shards", "encode", "paused", "space")

    def __init__(self, record: FeedRecord) -> None:
        self.space = record.space
        self.paused = record.paused
        self.encode = entries.Encoder(record.view).encode
        self._lowers = [lower for lower, _ in record.shards]
        self._shards: list[bytes] = [shard.encode() for _, shard in record.shards]
        self._only = self._shards[0] if len(self._shards) == 1 else None

    def shard_of(self, partition: bytes) -> bytes:
        """The shard that takes the changes of a partition."""
        return self._only or self._shards[bisect_right(self._lowers, partition_hash(partition)) - 1]


class Feeds:
    """All change logs of a table. Writes ask for their entries with what they found and what they leave."""

    __slots__ = ("_feeds", "_names", "_names_size", "paused")

    def __init__(self, feeds: Iterable[Feed], schema: KeySchema) -> None:
        self._feeds = tuple(feeds)
        self.paused = any(feed.paused for feed in self._feeds)  # writes wait
        self._names = schema.names
        # Of strings and binaries the key's own bytes are what counts towards their size; numbers are counted otherwise.
        plain = all(attribute.type != "N" for attribute in schema.attributes)
        self._names_size = sum(len(name.encode()) for name in schema.names) if plain else None

    @classmethod
    def of(cls, record: TableRecord, schema: KeySchema) -> "Feeds | None":
        """The change logs that a table's record names; None if there are none."""
        named = [] if record.stream is None else [record.stream]
        named += [sent.feed for sent in record.destinations if sent.fed and sent.feed is not None]
        return cls(map(Feed, named), schema) if named else None

    def logged(self, key: Key, old: Image | None, new: Image | None, service: bool, now: float) -> Sequence[Logged]:
        """Log entries of a write of one item; none if it changes nothing.

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
        return [
            (feed.space, feed.shard_of(partition), feed.encode(kind, keys, size, old, new, now)) for feed in self._feeds
        ]


def partition_hash(partition: bytes) -> int:
    """Where a partition lies in the hash range that shards divide: 0 to 2**64 - 1."""
    return int.from_bytes(blake2b(partition, digest_size=8).digest(), "big")
