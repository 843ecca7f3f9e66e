"""Sealing a store of before rows were sealed."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from statordb.crypto.roots import Roots
from statordb.crypto.rows import KEY_ID_BYTES, RowSealer, UnknownKey, new_key
from statordb.crypto.sealer import Unsealable
from statordb.engine.contract import Key, Row
from statordb.store import records
from statordb.store.catalog import ROOT
from statordb.store.keyspace import DIGEST_BYTES, Space
from statordb.store.sealed import bodies
from statordb.store.sealed.data_keys import DATA_KEY, data_key_row
from statordb.store.sealed.keyring import RING_KEY, wrapped_data_key
from statordb.store.sealed.places import PLACE_BYTES, Places
from statordb.store.sealed.store_keys import RING, new_ring, ring_of, unwrapped

Found = TypeVar("Found")


class Sealing:
    """Seals rows and entries of logs that are not sealed yet. Index entries get other sort bytes too: what tells those
    of equal index keys apart is disguised."""

    last = int(Space.CATALOG)  # it tells which spaces have index entries

    def __init__(
        self, read: Callable[[int], Sequence[Row]], roots: Roots, random: Callable[[int], bytes] = os.urandom
    ) -> None:
        """`read`: the rows of a space as they are. Raises Unsealable, and what the provider does."""
        known = {row.partition: row.body for row in read(Space.SEAL)}
        ring = known.get(RING_KEY.partition)
        if ring is None:
            record, self._keys = new_ring(roots, random)
            self._added = [(RING_KEY, RING.dump(record))]
        else:
            self._keys, self._added = unwrapped(ring_of(ring), roots, time.time(), random), []
        self._known = known
        self._sealer = RowSealer()
        id, key = new_key(random)
        self._added.append(wrapped_data_key(self._keys, id, key))
        self._sealer.use(id, key)
        self._places = Places(self._keys.places(), self._keys.apart())
        self._indexes = self._index_spaces(read(Space.CATALOG))

    def added(self) -> Iterable[tuple[Key, bytes]]:
        return self._added

    def row(self, key: Key, body: bytes) -> tuple[Key, bytes] | None:
        space, partition, sort = key
        if space == Space.SEAL or self._opened(key, body) is not None:
            return None
        assert not self._sealer.due
        place = self._places.of(partition)
        if space in self._indexes:
            sort = sort[:-DIGEST_BYTES] + self._places.disguise(sort[-DIGEST_BYTES:])
        return Key(space, place, sort), bodies.seal(
            self._sealer, bodies.pack_space(space) + place + sort, body, partition
        )

    def change(self, stream: int, shard: bytes, body: bytes) -> bytes | None:
        try:
            self._try(lambda: bodies.opened_change(self._sealer, stream, shard, body))
        except Unsealable:
            return bodies.seal_change(self._sealer, stream, shard, body)
        return None

    def _opened(self, key: Key, body: bytes) -> tuple[bytes, bytes] | None:
        """Body and partition of a row that is sealed already; None of one that is not."""
        space, place, sort = key
        if len(place) != PLACE_BYTES:
            return None
        bound = bodies.pack_space(space) + place + sort
        try:
            return self._try(lambda: bodies.opened(self._sealer, bound, body, 0))
        except Unsealable:
            return None

    def _try(self, work: Callable[[], Found]) -> Found:
        try:
            return work()
        except UnknownKey as unknown:
            self._learn(unknown.id)
            return work()

    def _learn(self, id: bytes) -> None:
        """A data key of who began with it and died. Raises Unsealable."""
        found = self._known.get(data_key_row(id).partition)
        if found is None:
            raise Unsealable("no data key has this id")
        record = DATA_KEY.load(found)
        self._sealer.learn(id, self._keys.unwrap(record.by, record.sealed)[KEY_ID_BYTES:])

    def _index_spaces(self, catalog: Iterable[Row]) -> set[int]:
        found: set[int] = set()
        for row in catalog:
            body, partition = self._opened(Key(Space.CATALOG, row.partition, row.sort), row.body) or (
                row.body,
                row.partition,
            )
            if partition == ROOT:
                continue
            table = records.load(body)
            found.update(index.space for index in table.indexes)
            found.update(() if table.expiry is None else (table.expiry.space,))
        return found
