"""A note that a store is being brought back from an archive: until it is whole, nobody else may use it.

It lies where rows are not sealed, beside the store's keys, with which it is put: who finds a store without it has a
whole one.
"""

from statordb.engine.contract import Effects, Engine, Key, Refused, Stored
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.sealed.keyring import RING_KEY
from statordb.store.sealed.places import plain

_MARKER = Key(Space.SEAL, plain(b"being restored"), b"")


async def being_restored(under: Engine) -> str | None:
    """The id of the moment that a store is brought back to; None: it is whole. `under`: the engine of sealed rows."""
    stored = await under.get(_MARKER)
    return None if stored is None else stored.body.decode()


async def begin(under: Engine, moment: str, ring: str) -> bool:
    """Have an engine that has nothing be given a store. `ring`: its keys, as they are kept. True as well where this was
    begun before; False if there is something else."""

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        marker, keys = stored
        if marker is None and keys is None:
            return Effects(writes=((_MARKER, moment.encode()), (RING_KEY, ring.encode())))
        return Refused(marker is not None and marker.body == moment.encode())

    outcome = await contention.update(under, (_MARKER, RING_KEY), plan)
    return isinstance(outcome, Effects) or bool(outcome.reason)


async def end(under: Engine) -> None:
    """All is there."""
    await contention.update(under, (_MARKER,), lambda stored: Effects(writes=((_MARKER, None),)))
