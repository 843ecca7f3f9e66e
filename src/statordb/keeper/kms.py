"""Keys of KMS: rotates those that are due, deletes those whose wait is over."""

from statordb.store.store import Store
from statordb.store.terms import Place


class KmsKeys:
    """Some keys a run, through all of them, then again after a minute."""

    name = "kms"
    every_seconds = 60.0

    def __init__(self, store: Store) -> None:
        self._store = store
        self._after: Place | None = None

    async def run_once(self) -> bool:
        self._after = await self._store.kms.upkeep(self._after)
        return self._after is not None
