"""Data keys as a store keeps them: one row each, wrapped, at places that anybody can compute."""

from base64 import b64decode, b64encode
from dataclasses import dataclass

from statordb.engine.contract import Effects, Engine, Key, Refused, Stored
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.record import Kind, Record
from statordb.store.sealed.places import plain

ID_TRIES = 8  # at an id of a data key that nobody has


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKeyRecord(Record):
    """A data key, wrapped. `by`: the name of the key that wraps it."""

    by: str
    wrapped: str  # Base64

    @property
    def sealed(self) -> bytes:
        return b64decode(self.wrapped)


DATA_KEY: Kind[DataKeyRecord] = Kind(DataKeyRecord)


def data_key_row(id: bytes) -> Key:
    return Key(Space.SEAL, plain(b"data key " + id), b"")


def dumped(by: str, wrapped: bytes) -> bytes:
    return DATA_KEY.dump(DataKeyRecord(by=by, wrapped=b64encode(wrapped).decode()))


async def register(engine: Engine, id: bytes, body: bytes) -> bool:
    """Keep a data key; False if another one has that id. Raises what the engine does."""
    row = data_key_row(id)

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        return Effects(writes=((row, body),)) if stored[0] is None else Refused(None)

    return not isinstance(await contention.update(engine, (row,), plan), Refused)
