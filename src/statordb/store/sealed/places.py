"""Where sealed rows lie: partition keys as keyed hashes, sort bytes as they are.

An engine is given hashes of 16 bytes for partitions, of which those of one value are equal in all spaces: the entries
of a local index lie in their item's partition. Sort bytes keep their order, and so cannot be hidden.
"""

from collections.abc import Sequence
from hashlib import blake2b

from statordb.engine.contract import Key
from statordb.store.sealed.bodies import pack_space

PLACE_BYTES = 16
_new = tuple.__new__  # makes a named tuple in half the time of calling its class


class Hidden(bytes):
    """A partition that is a hash already: of a row that was read without being opened."""

    __slots__ = ()


class Places:
    """Makes places of keys, with a key of the store's own."""

    def __init__(self, key: bytes, apart: bytes) -> None:
        """`apart`: the key of `disguise`."""
        self.blank = blake2b(key=key, digest_size=PLACE_BYTES)  # copied: to make one takes longer than to hash a key
        self._apart = blake2b(key=apart, digest_size=PLACE_BYTES)

    def of(self, partition: bytes) -> bytes:
        if partition.__class__ is Hidden:
            return bytes(partition)
        hashed = self.blank.copy()
        hashed.update(partition)
        return hashed.digest()

    def key(self, key: Key) -> Key:
        return _new(Key, (key[0], self.of(key[1]), key[2]))

    def keys(self, keys: Sequence[Key]) -> list[Key]:
        """The same of several: one update or read asks for all of its own at once."""
        blank = self.blank.copy
        found: list[Key] = []
        for space, partition, sort in keys:
            if partition.__class__ is Hidden:
                place = bytes(partition)
            else:
                hashed = blank()
                hashed.update(partition)
                place = hashed.digest()
            found.append(_new(Key, (space, place, sort)))
        return found

    def names(self, keys: Sequence[Key]) -> list[bytes]:
        """The names of several rows, none of whose partitions is a hash yet: space, place and sort in one."""
        blank = self.blank.copy
        found: list[bytes] = []
        for space, partition, sort in keys:
            hashed = blank()
            hashed.update(partition)
            found.append(pack_space(space) + hashed.digest() + sort)
        return found

    def disguise(self, digest: bytes) -> bytes:
        """See `contract.Engine`."""
        hashed = self._apart.copy()
        hashed.update(digest)
        return hashed.digest()


def plain(name: bytes) -> bytes:
    """The place of what must be found before there are keys."""
    return blake2b(name, digest_size=PLACE_BYTES).digest()
