"""Writes that come to a partition of an index which has no units left. Nobody knows where they come to before the item
is worked out."""

from statordb.store.image import Image
from statordb.store.indexes.secondary import SecondaryIndex
from statordb.store.table import Apply, Table, Written
from statordb.store.terms import Refused


def last_partition(table: Table, name: str, written: Written | None) -> bytes | None:
    """The partition of an index that a write has written to, the new item's where there are two; None where that is
    not known."""
    index = table.path(name)
    if written is None or not isinstance(index, SecondaryIndex):
        return None
    found = _partitions(index, written.old, written.new)
    return found[-1] if found else None


def unless_full(table: Table, apply: Apply) -> Apply:
    """The same, but it raises Throttled where it would write to such a partition."""
    throttle = table.throttle
    if throttle is None or not throttle.has_full():
        return apply
    names = {name for name, _ in throttle.full}
    indexes = [index for index in table.indexes if index.name in names]

    def limited(old: Image | None) -> Image | Refused | None:
        new = apply(old)
        if isinstance(new, Refused):
            return new
        for index in indexes:
            for partition in _partitions(index, old, new):
                throttle.refuse_full(index.name, partition)
        return new

    return limited


def _partitions(index: SecondaryIndex, old: Image | None, new: Image | None) -> list[bytes]:
    """Those of an index that a change of an item writes to, the new item's last."""
    found: list[bytes] = []
    index.update(old, new, lambda key, _: found.append(key.partition))
    return found
