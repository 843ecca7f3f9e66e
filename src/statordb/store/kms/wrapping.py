"""Keys of KMS wrap the data keys of tables."""

from collections.abc import Mapping

from statordb.crypto.sealer import Unsealable
from statordb.store.kms.closure import closed_of
from statordb.store.kms.keys import Keys, KeyUnusable
from statordb.store.kms.material import Forged, take_apart
from statordb.store.kms.records import KeyName, KeyRecord, wrapping_key


class Wrapping:
    """By names as `wrapping_of` makes them. What it wraps opens for its own id alone."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def wrap(self, name: str, id: bytes, data_key: bytes) -> bytes:
        """Raises Unsealable, and ClientError as of a closed table."""
        record, place = await self._usable(name)
        return self._keys.encrypt(record, data_key, _context(record.name, id), place)

    async def unwrap(self, name: str, id: bytes, wrapped: bytes) -> bytes:
        """The data key. Raises as `wrap`."""
        record, _ = await self._usable(name)
        try:
            return self._keys.decrypt(record, take_apart(wrapped), _context(record.name, id))
        except Forged:
            raise Unsealable("the data key is damaged, or another one's") from None

    async def _usable(self, name: str) -> tuple[KeyRecord, int]:
        found = wrapping_key(name)
        if found is None:
            raise Unsealable("the data key was wrapped by what is not known")
        key, place = found
        try:
            record = await self._keys.usable(key)
        except KeyUnusable as unusable:
            raise closed_of(unusable).error() from None
        if place >= len(record.materials):
            raise Unsealable("the key has no such material")
        return record, place


def _context(key: KeyName, id: bytes) -> Mapping[str, str]:
    return {"aws:dynamodb:subscriberId": key.account, "statordb:dataKey": id.hex()}
