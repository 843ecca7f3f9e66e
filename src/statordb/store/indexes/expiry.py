"""The expiry index of a table with time to live: base keys in the order in which they expire.

Sixteen partitions by a digest of the base key, so that no single partition holds a whole table; sort: the expiry time
as a number key, then the digest. The body is the primary key of the item. Source: developer guide, "How it works:
DynamoDB Time to Live": only number attributes count, and none that lies more than five years in the past.
"""

from collections.abc import Callable
from typing import Any

from statordb.engine.contract import Bounds, Key
from statordb.model import numbers
from statordb.model.schema import project
from statordb.store import codec, keyspace
from statordb.store.access import PrimaryPath
from statordb.store.image import Image
from statordb.store.records import ExpiryRecord

PARTITIONS = 16
OLDEST_SECONDS = 5 * 365 * 86400


class ExpiryIndex:
    """Derived like every index, read by the keeper."""

    __slots__ = ("_base", "_names", "attribute", "record", "space")

    def __init__(self, record: ExpiryRecord, base: PrimaryPath) -> None:
        self.record = record
        self.attribute = record.attribute
        self.space = record.space
        self._base = base
        self._names = frozenset(base.schema.names)

    def entry(self, image: Image | None) -> tuple[Key, bytes] | None:
        if image is None:
            return None
        value = image.item.get(self.attribute)
        if value is None or "N" not in value:
            return None
        item = image.item
        partition = bytes((self._base.digest(item)[0] % PARTITIONS,))
        key = Key(self.space, partition, numbers.key_bytes(value["N"]) + self._base.kept_digest(item))
        return key, codec.encode(project(item, self._names), 0)

    def update(
        self, old: Image | None, new: Image | None, derive: Callable[[Key, bytes | None], Any]
    ) -> tuple[int, int, int]:
        before, after = self.entry(old), self.entry(new)
        if before == after:
            return 0, 0, 0
        if before is not None and (after is None or after[0] != before[0]):
            derive(before[0], None)
        if after is not None:
            derive(*after)
        return 0, 0, 0

    @staticmethod
    def expired(now: float) -> Bounds:
        """Bounds of the entries whose time has come."""
        oldest, latest = int(now) - OLDEST_SECONDS, int(now)
        return Bounds(numbers.key_bytes(str(max(oldest, 0))), keyspace.prefix_end(numbers.key_bytes(str(latest))))

    def due(self, image: Image, now: float) -> bool:
        """Whether an item is expired at a time."""
        value = image.item.get(self.attribute)
        if value is None or "N" not in value:
            return False
        at = float(value["N"])
        return now - OLDEST_SECONDS <= at <= now
