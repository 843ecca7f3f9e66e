"""Scalable targets in the store. A target's policies and scheduled actions are part of its record."""

import os
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from statordb.engine.contract import Bounds, Effects, Engine, Key, PageBudget, Place, Refused, Stop, Stored
from statordb.model.clock import Clock
from statordb.model.scaling_limits import TARGETS_PER_REGION_MAX
from statordb.store import contention
from statordb.store.keyspace import Space
from statordb.store.rows import rows
from statordb.store.scaling.records import TARGET, TargetName, TargetRecord

_ID_DIGITS = 34  # of a target, in hexadecimal, behind two that say what it is
_KIND = "0a"
_PAGE = PageBudget(rows_max=25, bytes_max=64 << 10)  # parsed in one go: a target may have 200 actions
_CHUNK = PageBudget(rows_max=50, bytes_max=64 << 10)  # that the keeper looks at in one go
_TARGETS = "targets/"

Change = Callable[[TargetRecord | None], TargetRecord | Refused | None]
"""From a target as it is (None: no such target) to what it shall be (None: none). Pure."""


class Made(NamedTuple):
    """What a new target is named by."""

    id: str
    uuid: str
    at: float


class Targets:
    """Every record is read from the store each time."""

    def __init__(self, engine: Engine, clock: Clock, random: Callable[[int], bytes] = os.urandom) -> None:
        self._engine = engine
        self._clock = clock
        self._random = random

    def new(self) -> Made:
        """Ids, and the time, of a target that may have to be made."""
        id = _KIND + self._random(_ID_DIGITS // 2).hex()
        return Made(id, self.uuid(), self._clock.now())

    def uuid(self) -> str:
        return str(uuid.UUID(bytes=self._random(16), version=4))

    async def find(self, name: TargetName) -> TargetRecord | None:
        stored = await self._engine.get(_key(name))
        return None if stored is None else TARGET.load(stored.body)

    async def by_id(self, account: str, region: str, id: str) -> TargetRecord | None:
        stored = await self._engine.get(_id_key(account, region, id))
        if stored is None:
            return None
        resource, dimension = stored.body.decode().split("\0")
        found = await self.find(TargetName(account, region, resource, dimension))
        return found if found is not None and found.id == id else None

    async def change(self, name: TargetName, change: Change, made: str) -> TargetRecord | Refused | None:
        """Make, alter or remove a target, atomically. `made`: the id of one that is made. Returns what `change`
        returned."""
        current = await self.find(name)
        id_key = _id_key(name.account, name.region, made if current is None else current.id)
        key = _key(name)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            before = None if stored[0] is None else TARGET.load(stored[0].body)
            if (None if before is None else before.id) != (None if current is None else current.id):
                return Refused(_MOVED)
            after = change(before)
            if isinstance(after, Refused):
                return after
            writes: list[tuple[Key, bytes | None]] = [(key, None if after is None else TARGET.dump(after))]
            if (before is None) != (after is None):
                writes.append((id_key, None if after is None else f"{name.resource}\0{name.dimension}".encode()))
            return Effects(writes=writes, outcome=after)

        outcome = await contention.update(self._engine, (key, id_key), plan)
        if isinstance(outcome, Effects):
            after: TargetRecord | None = outcome.outcome
            return after
        if outcome.reason is _MOVED:
            return await self.change(name, change, made)
        return outcome

    async def alter(self, name: TargetName, alter: Callable[[TargetRecord], TargetRecord | None]) -> None:
        """Alter a target that is there, if it still is; `alter` gives None where nothing is to be changed."""
        key = _key(name)

        def plan(stored: list[Stored | None]) -> Effects | Refused:
            after = None if stored[0] is None else alter(TARGET.load(stored[0].body))
            return Refused(None) if after is None else Effects(writes=((key, TARGET.dump(after)),))

        await contention.update(self._engine, (key,), plan)

    async def each(
        self, account: str, region: str, begin: str | None, resources: Sequence[str] | None
    ) -> AsyncIterator[TargetRecord]:
        """Targets in the order of resource and dimension, from a place on, that one included. `resources`: only these
        are wanted; others may come too."""
        lower = b"" if begin is None else begin.encode()
        if resources is None:
            ends: list[Bounds] = [Bounds(lower)]
        else:
            ends = [Bounds(max(lower, f"{each}\0".encode()), f"{each}\1".encode()) for each in sorted(set(resources))]
        for bounds in ends:
            if bounds.upper is not None and bounds.lower >= bounds.upper:
                continue
            async for row in rows(self._engine, Space.SCALING, _partition(account, region), bounds, budget=_PAGE):
                yield TARGET.load(row.body)

    async def is_full(self, account: str, region: str) -> bool:
        """Whether there are as many as there may be."""
        count = 0
        async for _ in rows(self._engine, Space.SCALING, _partition(account, region)):
            count += 1
        return count >= TARGETS_PER_REGION_MAX

    async def chunk(self, after: Place | None) -> tuple[list[TargetRecord], Place | None]:
        """Some targets of all accounts and regions, and where the next ones begin: for the keeper."""
        page = await self._engine.scan(Space.SCALING, 0, 1, _CHUNK, after)
        found = [TARGET.load(row.body) for row in page.rows if row.partition.startswith(_TARGETS.encode())]
        return found, None if page.stop is Stop.EXHAUSTED else page.last


_MOVED = "moved"  # made or removed since it was looked up


def place_of(name: TargetName) -> bytes:
    """Where a target lies among those of its account and region."""
    return f"{name.resource}\0{name.dimension}".encode()


def _partition(account: str, region: str) -> bytes:
    return f"{_TARGETS}{account}/{region}".encode()


def _key(name: TargetName) -> Key:
    return Key(Space.SCALING, _partition(name.account, name.region), place_of(name))


def _id_key(account: str, region: str, id: str) -> Key:
    return Key(Space.SCALING, f"ids/{account}/{region}".encode(), id.encode())
