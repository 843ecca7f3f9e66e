"""Keys of KMS: rotates those that are due, deletes those whose wait is over."""

from statordb.store.store import Store


class KmsKeys:
    """All of them, once a minute."""

    name = "kms"
    every_seconds = 60.0

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run_once(self) -> bool:
        await self._store.kms.upkeep()
        return False
