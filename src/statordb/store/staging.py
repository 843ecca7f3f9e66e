"""The effects of an update of items, as they are gathered: their rows, and what follows from them."""

from collections.abc import Sequence
from functools import partial

from statordb.engine.contract import Effects, Key, Stored
from statordb.store.appending import Logged
from statordb.store.image import Image
from statordb.store.indexes.expiry import ExpiryIndex
from statordb.store.indexes.secondary import Derive, SecondaryIndex

Index = SecondaryIndex | ExpiryIndex


class Staging:
    """Effects of an update of one or several items, as they are gathered.

    `entered`: of indexes that are being built, the entries that are known to be there. `now`: the time of the changes,
    in seconds since the epoch; `service`: whether DynamoDB itself makes them.
    """

    __slots__ = ("changes", "derived", "entered", "now", "service", "tallies", "writes")

    def __init__(self, entered: frozenset[Key] = frozenset(), now: float = 0.0, service: bool = False) -> None:
        self.entered = entered
        self.now = now
        self.service = service
        self.changes: list[Logged] = []
        self.writes: list[tuple[Key, bytes | None]] = []
        self.derived: list[tuple[Key, bytes | None, Key | None]] = []
        self.tallies: list[tuple[int, int, int]] = []

    def put(self, space: int, key: Key, old: Image | None, new: Image | None) -> bool:
        """Put an item in the place of another, or delete it, in the table of a space; False if there is none to
        delete."""
        if new is None:
            if old is None:
                return False
            self.writes.append((key, None))
            self.tallies.append((space, -1, -old.size))
        else:
            self.writes.append((key, new.body))
            if old is None:
                self.tallies.append((space, 1, new.size))
            elif old.size != new.size:
                self.tallies.append((space, 0, new.size - old.size))
        return True

    def derive(
        self,
        indexes: Sequence[Index],
        building: Sequence[SecondaryIndex],
        key: Key,
        old: Image | None,
        new: Image | None,
    ) -> dict[str, int]:
        """Add what indexes make of a change of one item; returns write units by index name."""
        index_units = {}
        derive = partial(self.entry, key)
        for index in indexes:
            if building and index in building:
                rows, size, units = _build(index, old, new, self.entered, derive)  # type: ignore[arg-type]
            else:
                rows, size, units = index.update(old, new, derive)
            if rows or size:
                self.tallies.append((index.space, rows, size))
            if units:
                index_units[index.name] = units  # type: ignore[union-attr]
        return index_units

    def entry(self, base: Key, key: Key, body: bytes | None) -> None:
        """Put or delete an index entry of the item at `base`."""
        self.derived.append((key, body, base))

    def effects(self, outcome: object) -> Effects:
        return Effects(self.writes, self.derived, self.changes, self.tallies, False, outcome)


def found(keys: Sequence[Key], rows: Sequence[Stored | None]) -> frozenset[Key]:
    """Those of some keys that have a row."""
    return frozenset(key for key, row in zip(keys, rows, strict=True) if row is not None)


def _build(
    index: SecondaryIndex, old: Image | None, new: Image | None, entered: frozenset[Key], derive: Derive
) -> tuple[int, int, int]:
    """What `index.update` does, of an index that is being built, and that may not know the item yet.

    An entry that was not found is not counted, and deleted all the same: it may be on its way. Until every process
    knows of the index, entries only go: the next write may be made by one that does not, and would leave it there.
    """
    if not index.record.backfilling:
        new = None
    entry = index.entry(old)
    if entry is None or entry[0] in entered:
        return index.update(old, new, derive)
    after = index.entry(new)
    if after is None or after[0] != entry[0]:
        derive(entry[0], None)
    return index.update(None, new, derive)
