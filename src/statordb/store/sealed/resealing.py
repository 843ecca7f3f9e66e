"""Finding rows that are sealed otherwise than they should be, without opening the others."""

from collections.abc import Sequence
from typing import NamedTuple

from statordb.crypto.rows import UnknownKey, key_id_of
from statordb.engine.contract import Engine, PageBudget, Place, Row, Stop
from statordb.store.sealed import bodies
from statordb.store.sealed.bodies import pack_space
from statordb.store.sealed.engine import SealedEngine


class Found(NamedTuple):
    """Rows of a piece of a space that are sealed otherwise; `after`: where the next piece begins, None behind the
    last. Nobody else can make anything of that place."""

    rows: Sequence[Row]
    after: Place | None


async def sealed_otherwise(engine: Engine, space: int, name: str, budget: PageBudget, after: Place | None) -> Found:
    """The rows of a piece of a space whose data key is not wrapped by what has a name. Raises Unsealable, ClientError
    where a key of KMS can't be used, and what the engine does."""
    if not isinstance(engine, SealedEngine):
        return Found((), None)
    ring = engine.ring
    page = await engine.under.scan(space, 0, 1, budget, after)
    found: list[Row] = []
    for index, sealed in enumerate(page.bodies):
        if await ring.wrapped_by(key_id_of(sealed)) == name:
            continue
        place, sort = page.place(index)
        body, partition = await _opened(engine, pack_space(space) + place + sort, sealed)
        found.append(Row(partition, sort, body))
    return Found(found, None if page.stop is Stop.EXHAUSTED else page.last)


async def _opened(engine: SealedEngine, name: bytes, sealed: bytes) -> tuple[bytes, bytes]:
    while True:
        try:
            return bodies.opened(engine.ring.sealer, name, sealed, 0)
        except UnknownKey as unknown:  # it was forgotten in between
            await engine.ring.learn(unknown.id)
