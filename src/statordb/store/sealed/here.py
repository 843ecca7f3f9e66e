"""Reads of sealed rows where they are at hand: GetItem and Query of the usual form, and batches."""

from collections.abc import Sequence

from statordb.crypto.rows import CLEAR_BYTES, UnknownKey
from statordb.engine.contract import Bounds, ByName, Here, Key, Page, PageBudget
from statordb.store.sealed import bodies
from statordb.store.sealed.bodies import pack_space
from statordb.store.sealed.keyring import Keyring
from statordb.store.sealed.pages import opened_each, range_page
from statordb.store.sealed.places import PLACE_BYTES


class SealedHere:
    """See `contract.Here`."""

    def __init__(self, under: Here, ring: Keyring) -> None:
        self._under_body = under.body
        self._under_head = under.head
        self._under_page = under.page
        self._ring = ring
        self._sealer = ring.sealer
        self._open_item = ring.sealer.open_item
        self._place = ring.places.of
        self._blank = ring.places.blank.copy
        self._names = ring.places.names
        self._kept, self._several, self._at = under.by_name or ByName(self._kept_at_place, self._each_kept, 0)

    @property
    def by_name(self) -> None:
        """Names have hashes of partitions, which are nobody else's business."""
        return None

    def _kept_at_place(self, name: bytes) -> bytes | None:
        place_end = bodies.SPACE_BYTES + PLACE_BYTES
        space, place = name[: bodies.SPACE_BYTES], name[bodies.SPACE_BYTES : place_end]
        return self._under_body(int.from_bytes(space, "big"), place, name[place_end:])

    def _each_kept(self, names: Sequence[bytes]) -> list[bytes | None]:
        return list(map(self._kept_at_place, names))

    def body(self, space: int, partition: bytes, sort: bytes, skip: int = 0) -> bytes | None:
        hashed = self._blank()
        hashed.update(partition)
        name = pack_space(space) + hashed.digest() + sort
        kept = self._kept(name)
        if kept is None:
            return None
        if skip == CLEAR_BYTES:
            text = self._open_item(kept, self._at, name, bodies.LENGTH_BYTES + len(partition))
            if text is not None:
                return text
        try:
            return bodies.opened_of(self._sealer, name, kept, self._at, partition, skip)
        except UnknownKey as unknown:
            self._ring.learn_here(unknown.id)
            return bodies.opened_of(self._sealer, name, kept, self._at, partition, skip)

    def head(self, space: int, partition: bytes, sort: bytes, size: int) -> bytes | None:
        place = self._place(partition)
        if size == CLEAR_BYTES:
            sealed = self._under_head(space, place, sort, CLEAR_BYTES)
            clear = None if sealed is None else bodies.head_of(sealed)
            if sealed is None or clear is not None:
                return clear
        body = self.body(space, partition, sort)
        return None if body is None else body[:size]

    def bodies(self, keys: Sequence[Key]) -> list[bytes | None]:
        names = self._names(keys)
        kept = self._several(names)
        while True:
            try:
                return opened_each(self._sealer, keys, names, kept, self._at)
            except UnknownKey as unknown:
                self._ring.learn_here(unknown.id)

    def page(
        self,
        space: int,
        partition: bytes,
        bounds: Bounds,
        forward: bool,
        budget: PageBudget,
        after: bytes | None = None,
        skip: int = 0,
    ) -> Page:
        place = self._place(partition)
        page = self._under_page(space, place, bounds, forward, budget, after)
        while True:
            try:
                return range_page(self._sealer, space, partition, place, page, None, skip)
            except UnknownKey as unknown:
                self._ring.learn_here(unknown.id)
