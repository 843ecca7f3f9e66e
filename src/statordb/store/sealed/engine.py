"""An engine of which nobody sees that its rows are sealed, around one that sees nothing but sealed rows.

Everything that is kept goes through `contract.Engine`, so this is the one place where bodies are sealed and opened, for
every space and both engines. A plan's rows are opened before it runs, and its effects sealed behind it: each run takes
numbers of its own. The engine beneath is given hashes for partitions (`places.py`); what it keeps for its own purposes,
such as a journal or a record of a transaction, has therefore nothing readable either.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from statordb.crypto.rows import CLEAR_BYTES, UnknownKey
from statordb.engine.contract import (
    Bounds,
    Change,
    Conflict,
    Effects,
    Engine,
    Guard,
    Heads,
    Here,
    Key,
    Page,
    PageBudget,
    Plan,
    Refused,
    Stale,
    Stored,
    Usage,
    Use,
)
from statordb.store.sealed import bodies
from statordb.store.sealed.bodies import pack_space
from statordb.store.sealed.covers import Unready
from statordb.store.sealed.here import SealedHere
from statordb.store.sealed.keyring import Keyring
from statordb.store.sealed.pages import heads_page, range_page, scan_page
from statordb.store.sealed.places import Hidden
from statordb.store.sealed.plans import Sealing, Uncut

Found = TypeVar("Found")
_new = tuple.__new__  # makes a named tuple in half the time of calling its class


class SealedEngine:
    """See `contract.Engine`. `under`: the engine that has the rows."""

    def __init__(self, under: Engine, ring: Keyring) -> None:
        self.under = under
        self.ring = ring
        self.traits = under.traits
        self.epoch = under.epoch
        self.announced = under.announced
        self.disguise = ring.places.disguise
        self._sealer = ring.sealer
        self._place = ring.places.of
        self._here = None if under.here is None else SealedHere(under.here, ring)
        self._renewing = asyncio.Lock()

    @property
    def here(self) -> Here | None:
        return self._here

    async def get(self, key: Key, consistent: bool = True, skip: int = 0) -> Stored | None:
        space, partition, sort = key
        place = self._place(partition)
        found = await self.under.get(_new(Key, (space, place, sort)), consistent)
        if found is None:
            return None
        sealed, version = found
        name = pack_space(space) + place + sort
        while True:
            try:
                return _new(Stored, (self._body(name, sealed, partition, skip), version))
            except UnknownKey as unknown:
                await self.ring.learn(unknown.id)

    def _body(self, name: bytes, sealed: bytes, partition: bytes, skip: int = 0) -> bytes:
        if partition.__class__ is Hidden:  # it was read without being opened, and so tells no more of itself
            return bodies.opened(self._sealer, name, sealed, skip)[0]
        return bodies.opened_of(self._sealer, name, sealed, 0, partition, skip)

    async def _known(self, work: Callable[[], Found]) -> Found:
        """What opens rows, again while there is a data key to be looked up. Raises Unsealable."""
        while True:
            try:
                return work()
            except UnknownKey as unknown:
                await self.ring.learn(unknown.id)

    async def read(
        self, keys: Sequence[Key], consistent: bool = True, snapshot: bool = True, heads: Heads | None = None
    ) -> list[Stored | None]:
        hidden = self.ring.places.keys(keys)
        cut = heads if heads is not None and heads.head == CLEAR_BYTES else None
        try:
            rows = await self.under.read(hidden, consistent, snapshot, cut)
            if cut is not None and any(row is not None and _is_closed(row.body) for row in rows):
                rows, cut = await self.under.read(hidden, consistent, snapshot), None
        except Conflict as conflict:
            raise _told(conflict, keys, hidden) from None
        found = await self._known(lambda: self._opened(keys, hidden, rows))
        return found if cut is heads else _cut(found, heads)

    def _opened(self, keys: Sequence[Key], hidden: Sequence[Key], rows: Sequence[Stored | None]) -> list[Stored | None]:
        found: list[Stored | None] = []
        for key, place, row in zip(keys, hidden, rows, strict=True):
            if row is None:
                found.append(None)
                continue
            sealed, version = row
            if bodies.is_cut(sealed):
                body = bodies.head_of(sealed)
            else:
                body = self._body(pack_space(place[0]) + place[1] + place[2], sealed, key[1])
            found.append(_new(Stored, (body, version)))
        return found

    async def range(
        self,
        space: int,
        partition: bytes,
        bounds: Bounds,
        forward: bool,
        budget: PageBudget,
        after: bytes | None = None,
        consistent: bool = True,
        head: int | None = None,
    ) -> Page:
        place = self._place(partition)
        cut = head if head == CLEAR_BYTES else None
        page = await self.under.range(space, place, bounds, forward, budget, after, consistent, cut)
        if cut is not None:
            found = heads_page(page, partition)
            if found is not None:
                return found
            page = await self.under.range(space, place, bounds, forward, budget, after, consistent)
        return await self._known(lambda: range_page(self._sealer, space, partition, place, page, head))

    async def scan(
        self,
        space: int,
        segment: int,
        total: int,
        budget: PageBudget,
        after: tuple[bytes, bytes] | None = None,
        consistent: bool = True,
        head: int | None = None,
    ) -> Page:
        if after is not None:
            after = self._place(after[0]), after[1]
        cut = head if head == CLEAR_BYTES else None
        page = await self.under.scan(space, segment, total, budget, after, consistent, cut)
        if cut is not None:
            found = heads_page(page, None)
            if found is not None:
                return found
            page = await self.under.scan(space, segment, total, budget, after, consistent)
        return await self._known(lambda: scan_page(self._sealer, space, page, head))

    def segment_of(self, partition: bytes, total: int) -> int:
        return self.under.segment_of(self._place(partition), total)

    async def update(
        self, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard] = (), head: int | None = None
    ) -> Effects | Refused | Stale:
        if self._sealer.due:
            await self._renew()
        sealing = Sealing(self.ring, footprint, plan, guards, head)
        while True:
            try:
                outcome = await self.under.update(sealing.footprint, sealing.plan, sealing.guards, sealing.head)
                break
            except UnknownKey as unknown:  # nothing was written
                await self.ring.learn(unknown.id)
            except Unready as unready:
                await self.ring.tables.ready(unready.sealer)
            except Uncut:
                sealing.uncut()
            except Conflict as conflict:
                raise _told(conflict, footprint, sealing.footprint) from None
        if outcome.__class__ is Effects:
            return outcome.outcome  # type: ignore[no-any-return]  # the plan's own, by Sealing
        return Stale(sealing.guard_of(outcome.key)) if isinstance(outcome, Stale) else outcome

    async def _renew(self) -> None:
        async with self._renewing:
            if self._sealer.due:
                await self.ring.renew()

    async def log(self, stream: int, shard: bytes, after: int, budget: PageBudget) -> list[Change]:
        found = await self.under.log(stream, shard, after, budget)
        sealer = self._sealer
        return await self._known(
            lambda: [
                _new(Change, (sequence, bodies.opened_change(sealer, stream, shard, sealed)))
                for sequence, sealed in found
            ]
        )

    async def log_end(self, stream: int, shard: bytes) -> int:
        return await self.under.log_end(stream, shard)

    async def usage(self, space: int) -> Usage:
        return await self.under.usage(space)

    async def create_space(self, use: Use = Use.ROWS, within: int | None = None) -> int:
        return await self.under.create_space(use, within)

    async def spaces(self) -> list[int]:
        return await self.under.spaces()

    async def drop_space(self, space: int) -> None:
        await self.under.drop_space(space)

    async def reclaim(self, rows_max: int) -> bool:
        return await self.under.reclaim(rows_max)

    async def trim(self, stream: int, shard: bytes, upto: int, rows_max: int) -> bool:
        return await self.under.trim(stream, shard, upto, rows_max)

    def trouble(self) -> str | None:
        return self.under.trouble()

    def metrics(self) -> dict[str, float]:
        return self.under.metrics()

    async def close(self) -> None:
        self.ring.close()
        await self.under.close()


def _cut(rows: list[Stored | None], heads: Heads | None) -> list[Stored | None]:
    """Rows that had to be opened, as they were asked for."""
    if heads is None:
        return rows
    left = heads.whole_bytes
    found: list[Stored | None] = []
    for row in rows:
        found.append(row if row is None or left > 0 else Stored(row.body[: heads.head], row.version))
        left -= 0 if row is None else len(row.body)
    return found


def _is_closed(sealed: bytes) -> bool:
    """Whether a row was cut that has to be opened for its first bytes."""
    return bodies.is_cut(sealed) and bodies.head_of(sealed) is None


def _told(conflict: Conflict, keys: Sequence[Key], hidden: Sequence[Key]) -> Conflict:
    """The conflict by the keys that its caller knows."""
    known = dict(zip(hidden, keys, strict=True))
    return Conflict([known[key] for key in conflict.keys])
