"""Verdicts on updates over several partitions: which rows each may hold, what it writes, and what became of it.

An id is never used again, so what is deleted is deleted with a timestamp ahead of all that may still arrive.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from struct import Struct
from typing import NamedTuple

from statordb.engine.cassandra.cql.rows import Spot
from statordb.engine.cassandra.cql.session import Session
from statordb.engine.cassandra.owed.journal import Noted
from statordb.engine.cassandra.owed.owed import Owed

FORMAT = 1
CHUNK_BYTES = 512 * 1024
NOTE_SECONDS = 7 * 86_400  # a note that nobody deletes goes by itself
ABORTED_SECONDS = 86_400  # how long an abort stands, that is, keeps a commit of the same id from happening
AHEAD_SECONDS = 3600

_INSERT_CHUNK = "INSERT INTO ledger_chunks (id, number, body) VALUES (?, ?, ?)"
_INSERT_NOTE = f"INSERT INTO ledger_chunks (id, number, body) VALUES (?, 0, ?) USING TTL {NOTE_SECONDS}"
_SELECT_NOTE = "SELECT body FROM ledger_chunks WHERE id = ? AND number = 0"
_SELECT_CHUNKS = "SELECT body FROM ledger_chunks WHERE id = ? AND number > 0"
_DELETE_CHUNKS = "DELETE FROM ledger_chunks WHERE id = ?"
_DELETE_RECORD = "DELETE FROM ledger_chunks WHERE id = ? AND number > 0"
_COMMIT = "INSERT INTO ledger (id, state, version, chunks) VALUES (?, 'committed', ?, ?) IF NOT EXISTS"
_ABORT = f"INSERT INTO ledger (id, state) VALUES (?, 'aborted') IF NOT EXISTS USING TTL {ABORTED_SECONDS}"
_SELECT = "SELECT state, chunks FROM ledger WHERE id = ?"
_DELETE = "DELETE FROM ledger WHERE id = ?"

_length = Struct(">i")


class Part(NamedTuple):
    """What a transaction does in one partition: the rows that it writes (None: deletes) and those that it only keeps,
    all of which it holds; and derived rows that lie there too."""

    table: str
    partition: bytes
    writes: Mapping[Spot, bytes | None]
    kept: Sequence[Spot]
    local: Mapping[Spot, bytes | None]

    @property
    def held(self) -> list[Spot]:
        return [*self.writes, *self.kept]


class Record(NamedTuple):
    """What a transaction does. first: its first version, that of its first change; version: its last, that of rows."""

    first: int
    version: int
    parts: Sequence[Part]
    owed: Owed

    def encode(self) -> bytes:
        fields: list[bytes | None] = [_number(FORMAT), _number(self.first), _number(self.version)]
        fields += (self.owed.encode(), _number(len(self.parts)))
        for table, partition, writes, kept, local in self.parts:
            fields += (table.encode(), partition, _number(len(kept)), *map(_spot, kept))
            for bodies in (writes, local):
                fields.append(_number(len(bodies)))
                for spot, body in bodies.items():
                    fields += (_spot(spot), body)
        return _join(fields)

    @classmethod
    def decode(cls, data: bytes) -> "Record":
        take = _fields(data)
        _, first, version = (_int(take()) for _ in range(3))
        owed = Owed.decode(_bytes(take()))
        parts: list[Part] = []
        for _ in range(_int(take())):
            table, partition = _bytes(take()).decode(), _bytes(take())
            kept = [_spot_of(take()) for _ in range(_int(take()))]
            writes = {_spot_of(take()): take() for _ in range(_int(take()))}
            local = {_spot_of(take()): take() for _ in range(_int(take()))}
            parts.append(Part(table, partition, writes, kept, local))
        return cls(first, version, parts, owed)


class Verdict(NamedTuple):
    """What became of a transaction. chunks: of its record."""

    committed: bool
    chunks: int


class Verdicts:
    """What is asked of their tables. Everything may be asked again; `commit` and `abort` raise Unreachable when
    their outcome is unknown, and tell when asked again."""

    def __init__(self, session: Session, now: Callable[[], float] = time.time) -> None:
        """`now`: seconds since the Unix epoch."""
        self._session = session
        self._now = now

    async def note(self, id: bytes, groups: Sequence[Noted]) -> None:
        """Note which rows a transaction may hold, before it does."""
        fields: list[bytes | None] = [_number(FORMAT), _number(len(groups))]
        for table, partition, spots in groups:
            fields += (table.encode(), partition, _number(len(spots)), *map(_spot, spots))
        await self._session.write(_INSERT_NOTE, id, _join(fields))

    async def noted(self, id: bytes) -> list[Noted]:
        """The rows that a transaction may hold; none if it is forgotten."""
        found = await self._session.rows(_SELECT_NOTE, id)
        if not found:
            return []
        take = _fields(found[0][0])
        take()
        return [
            Noted(_bytes(take()).decode(), _bytes(take()), tuple(_spot_of(take()) for _ in range(_int(take()))))
            for _ in range(_int(take()))
        ]

    async def record(self, id: bytes, record: Record) -> int:
        """Write down what a transaction does; returns how many chunks that took."""
        data = record.encode()
        chunks = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]
        for number, chunk in enumerate(chunks, 1):
            await self._session.write(_INSERT_CHUNK, id, number, chunk)
        return len(chunks)

    async def recorded(self, id: bytes, chunks: int) -> Record | None:
        """What a committed transaction does; None if it is done, and forgotten."""
        found = await self._session.rows(_SELECT_CHUNKS, id)
        return Record.decode(b"".join(body for (body,) in found)) if len(found) == chunks else None

    async def commit(self, id: bytes, record: Record, chunks: int) -> bool:
        """Decide that a transaction happens, unless it is decided. Whether it happens."""
        refused = await self._session.conditional([(_COMMIT, (id, record.first, chunks))])
        return refused is None or bool(refused[0]["state"] == "committed")

    async def abort(self, id: bytes) -> Verdict:
        """Decide that a transaction does not happen, unless it is decided. What was decided."""
        refused = await self._session.conditional([(_ABORT, (id,))])
        return Verdict(False, 0) if refused is None else _verdict(refused[0]["state"], refused[0]["chunks"])

    async def verdict(self, id: bytes) -> Verdict | None:
        """What was decided; None if nothing was before this was asked, or if it is forgotten."""
        found = await self._session.rows(_SELECT, id)
        return _verdict(*found[0]) if found else None

    async def clear(self, id: bytes) -> None:
        """Delete the record of an aborted transaction. The note stays for a while, and tells what late writes of its
        owner may still mark."""
        await self._session.write(_DELETE_RECORD, id, timestamp=self._ahead())

    async def forget(self, id: bytes) -> None:
        """Delete all there is of a transaction that holds nothing any more, and owes nothing."""
        await self._session.write(_DELETE, id, timestamp=self._ahead())
        await self._session.write(_DELETE_CHUNKS, id, timestamp=self._ahead())

    def _ahead(self) -> int:
        return int((self._now() + AHEAD_SECONDS) * 1e6)


def _verdict(state: str, chunks: int | None) -> Verdict:
    return Verdict(state == "committed", chunks or 0)


def _number(value: int) -> bytes:
    return value.to_bytes(8, "big")


def _spot(spot: Spot) -> bytes:
    return spot[0].to_bytes(1, "big") + spot[1]


def _join(fields: Iterable[bytes | None]) -> bytes:
    parts: list[bytes] = []
    for field in fields:
        parts += (_length.pack(-1),) if field is None else (_length.pack(len(field)), field)
    return b"".join(parts)


def _fields(data: bytes) -> Callable[[], bytes | None]:
    """Gives one field at each call."""

    def each() -> Iterator[bytes | None]:
        at = 0
        while at < len(data):
            (length,) = _length.unpack_from(data, at)
            at += _length.size
            yield None if length < 0 else data[at : at + length]
            at += max(length, 0)

    return each().__next__


def _bytes(field: bytes | None) -> bytes:
    assert field is not None
    return field


def _int(field: bytes | None) -> int:
    return int.from_bytes(_bytes(field), "big")


def _spot_of(field: bytes | None) -> Spot:
    data = _bytes(field)
    return data[0], data[1:]
