"""`statordb` with a store whose rows are not sealed, to be measured beside one whose rows are.

The product has no such setting. This puts another engine into the place of the one that seals, before the server's
parts are put together: one that has the store's keys, for secrets, and hands everything on. The command line is the
server's own, for one worker on a new embedded store.
"""

import sys

from statordb.engine.contract import Engine, Here
from statordb.engine.lmdb.keys import digest
from statordb.server import composition, main, sealing
from statordb.store.sealed.engine import SealedEngine
from statordb.store.sealed.keyring import Keyring

CALLS = ("get", "read", "range", "scan", "segment_of", "update", "log", "disguise")


class Unsealed(SealedEngine):
    """What is asked for is asked of the engine beneath, at no cost."""

    def __init__(self, under: Engine, ring: Keyring) -> None:
        super().__init__(under, ring)
        for name in CALLS:
            setattr(self, name, getattr(under, name))

    @property
    def here(self) -> Here | None:
        return self.under.here


if __name__ == "__main__":
    setattr(sealing, "SealedEngine", Unsealed)  # noqa: B010  # a type checker lets nobody assign a class
    setattr(composition, "SPREAD", digest)  # noqa: B010  # partitions are no hashes then
    sys.exit(main.main())
