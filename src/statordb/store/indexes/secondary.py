"""A secondary index, local or global: entries of its own space, derived from the items by `update(old, new)`."""

from collections.abc import Callable
from typing import Any

from statordb.engine.contract import Bounds, Key
from statordb.metering.units import write_units
from statordb.model.limits import PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX
from statordb.model.schema import KeySchema, is_key, project, projected_names, too_long
from statordb.model.values import Item, item_size
from statordb.store import keyspace
from statordb.store.access import KeyConditions, PrimaryPath
from statordb.store.image import Image
from statordb.store.records import IndexRecord

Entry = tuple[Key, Image]
Derive = Callable[[Key, bytes | None], Any]
"""Takes an entry to be put (its body), or to be deleted (None)."""


class SecondaryIndex:
    """Entries lie in the partition of the index's partition key; sort: the index's sort key values, each
    self-delimiting, then a digest of the base key. An entry's body is the projected item. Items without the whole key
    have no entry (sparse)."""

    __slots__ = (
        "_base", "_names", "consistent", "cursor_names", "fetches", "local", "name", "projected", "record", "schema",
        "space",
    )  # fmt: skip

    def __init__(self, record: IndexRecord, definitions: list[dict[str, str]], base: PrimaryPath) -> None:
        self.record = record
        self.name = record.name
        self.space = record.space
        self.local = record.local
        self.schema = KeySchema.parse(record.key_schema, definitions)
        self.cursor_names = tuple(dict.fromkeys(base.schema.names + self.schema.names))
        self.projected = projected_names(record.projection, self.cursor_names)
        self.consistent = record.local
        self.fetches = record.local
        self._base = base
        self._names = self.schema.names

    @property
    def active(self) -> bool:
        return self.record.status in ("ACTIVE", "UPDATING")

    def partition(self, item: Item) -> bytes:
        return keyspace.partition_bytes(self.schema.partition, item)

    def bounds(self, conditions: KeyConditions) -> Bounds:
        equal = b""
        sort = self.schema.sort
        for position, (_, operator, operands) in enumerate(conditions):
            attribute = sort[position]
            if operator != "EQ":
                return keyspace.index_bounds(equal, attribute, operator, operands)
            equal += keyspace.part(attribute, {attribute.name: operands[0]})
        return keyspace.index_bounds(equal, None, "EQ", ())

    def position(self, cursor: Item) -> tuple[bytes, bytes]:
        sort = b"".join([keyspace.part(attribute, cursor) for attribute in self.schema.sort])
        return self.partition(cursor), sort + self._base.kept_digest(cursor)

    def entry(self, image: Image | None) -> Entry | None:
        """The entry that an item has in this index."""
        if image is None or not is_key(self.schema, image.item):
            return None
        item = image.item
        key = Key(self.space, *self.position(item))
        if len(key.partition) > PARTITION_KEY_BYTES_MAX or len(key.sort) > SORT_KEY_BYTES_MAX:
            # Only items that were there before the index can have such keys; writes refuse them.
            if too_long(self.schema.partition, item, PARTITION_KEY_BYTES_MAX):
                return None
            if too_long(self.schema.sort, item, SORT_KEY_BYTES_MAX):
                return None
        return key, self._kept(image)

    def _kept(self, image: Image) -> Image:
        """What an entry holds of an item."""
        if self.projected is None:
            return image
        kept = project(image.item, self.projected)
        return Image.of(kept, item_size(kept))

    def _entry_before(self, old: Image | None, new: Image | None, after: Entry | None) -> Entry | None:
        """The entry of an item as it was. Its key is that of `after`, the entry of what it is, where nothing of the key
        has changed."""
        if old is None or new is None:
            return self.entry(old)
        before, now = old.item, new.item
        if any(before.get(name) != now.get(name) for name in self._names):
            return self.entry(old)
        return None if after is None else (after[0], self._kept(old))

    def update(self, old: Image | None, new: Image | None, derive: Derive) -> tuple[int, int, int]:
        """Hands to `derive` what changes; returns (rows delta, bytes delta, write units).

        Units as the developer guide counts them ("Provisioned throughput considerations for global secondary
        indexes"): one write for an entry that comes, goes, or changes in place; two where its key changes; none where
        the projection is the same.
        """
        if old is not None and new is not None and old.body == new.body:
            return 0, 0, 0
        after = self.entry(new)
        before = self._entry_before(old, new, after)
        if before is not None and after is not None and before[0] == after[0]:
            if before[1].body == after[1].body:
                return 0, 0, 0
            derive(after[0], after[1].body)
            size_before, size_after = before[1].size, after[1].size
            return 0, size_after - size_before, write_units(max(size_before, size_after))
        rows = size = units = 0
        if before is not None:
            derive(before[0], None)
            rows, size, units = -1, -before[1].size, write_units(before[1].size)
        if after is not None:
            derive(after[0], after[1].body)
            rows, size, units = rows + 1, size + after[1].size, units + write_units(after[1].size)
        return rows, size, units
