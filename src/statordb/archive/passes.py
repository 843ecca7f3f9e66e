"""What is known of items, of as many at a time as memory is given: a pass has the items of a range of hashes, which
shrinks where there are too many of them."""

import asyncio
from collections.abc import Callable
from hashlib import blake2b
from itertools import islice
from typing import Generic, TypeVar

from statordb.model.limits import BACKUP_OVERLAY_BYTES_MAX
from statordb.store.terms import Place

ENTRIES_AT_ONCE = 200  # looked at before others have their turn
_END = 1 << 64
_ITEM_BYTES = 300  # that one costs beside its key and what is known of it
_DROPPED_AT_ONCE = 2000

Known = TypeVar("Known")


class Pass(Generic[Known]):
    """`known`: of the items whose hash is from `low` to below `high`."""

    def __init__(self, size_of: Callable[[Known], int], low: int, high: int) -> None:
        self.known: dict[Place, Known] = {}
        self.low, self.high = low, high
        self._size_of = size_of
        self._size = 0

    def takes(self, place: Place) -> bool:
        """Whether an item is one of this pass."""
        return (self.low == 0 and self.high == _END) or self.low <= hash_of(place) < self.high

    def put(self, place: Place, known: Known) -> None:
        before = self.known.get(place)
        self.known[place] = known
        self._size += self._size_of(known)
        self._size += self._cost(place) if before is None else -self._size_of(before)

    async def fit(self) -> None:
        """Leave items to later passes, while there are too many. Lets others run."""
        await asyncio.sleep(0)
        while self._size > BACKUP_OVERLAY_BYTES_MAX and len(self.known) > 1:
            self.high = (self.low + self.high) // 2
            places = iter(list(self.known))
            while some := list(islice(places, _DROPPED_AT_ONCE)):
                for place in some:
                    if hash_of(place) >= self.high:
                        self._size -= self._cost(place) + self._size_of(self.known.pop(place))
                await asyncio.sleep(0)

    def _cost(self, place: Place) -> int:
        return len(place[0]) + len(place[1]) + _ITEM_BYTES


class Passes(Generic[Known]):
    """All of them, one after the other. `size_of`: bytes of what is known of an item."""

    def __init__(self, size_of: Callable[[Known], int]) -> None:
        self._size_of = size_of
        self._last: Pass[Known] | None = None

    def next(self) -> Pass[Known] | None:
        """The pass behind the last one, which is done; None: there is none any more."""
        last = self._last
        if last is None:
            self._last = Pass(self._size_of, 0, _END)
        elif last.high == _END:
            return None
        else:
            self._last = Pass(self._size_of, last.high, min(2 * last.high - last.low, _END))
        return self._last


def hash_of(place: Place) -> int:
    """0 to 2**64 - 1, of an item's place."""
    partition, sort = place
    digest = blake2b(len(partition).to_bytes(2, "big") + partition + sort, digest_size=8).digest()
    return int.from_bytes(digest, "big")
