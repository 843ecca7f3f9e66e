"""An engine of which nobody sees that its rows are sealed, around one that sees nothing but sealed rows.

Everything that is kept goes through `contract.Engine`, so this is the one place where bodies are sealed and opened, for
every space and both engines. A plan's rows are opened before it runs, and its effects sealed behind it: each run takes
numbers of its own. The engine beneath is given hashes for partitions (`places.py`); what it keeps for its own purposes,
such as a journal or a record of a transaction, has therefore nothing readable either.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from statordb.crypto.rows import CLEAR_BYTES, ITEM, UnknownKey
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
from statordb.store.sealed.keyring import Keyring
from statordb.store.sealed.pages import heads_page, range_page, scan_page
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
        bound = pack_space(space) + place + sort
        return await self._known(lambda: _new(Stored, (self._body(bound, found[0], partition, place, skip), found[1])))

    def _body(self, bound: bytes, sealed: bytes, partition: bytes, place: bytes, skip: int) -> bytes:
        if partition == place:  # it was read without being opened, and so tells no more of itself
            return bodies.opened(self._sealer, bound, sealed, skip)[0]
        return bodies.opened_of(self._sealer, bound, sealed, partition, skip)

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
        hidden = [self.ring.places.key(key) for key in keys]
        cut = heads if heads is not None and heads.head == CLEAR_BYTES else None
        try:
            rows = await self.under.read(hidden, consistent, snapshot, cut)
            if cut is not None and any(row is not None and _is_closed(row.body) for row in rows):
                rows, cut = await self.under.read(hidden, consistent, snapshot), None
        except Conflict as conflict:
            raise _told(conflict, keys, hidden) from None

        def opened() -> list[Stored | None]:
            return [
                None if row is None else self._stored(key, place, row)
                for key, place, row in zip(keys, hidden, rows, strict=True)
            ]

        found = await self._known(opened)
        return found if cut is heads else _cut(found, heads)

    def _stored(self, key: Key, place: Key, row: Stored) -> Stored:
        if bodies.is_cut(row.body):
            return _new(Stored, (bodies.head_of(row.body), row.version))
        bound = pack_space(place[0]) + place[1] + place[2]
        return _new(Stored, (self._body(bound, row.body, key[1], place[1], 0), row.version))

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
        sealing = Sealing(self.ring, footprint, plan, guards)
        cut = head if head == CLEAR_BYTES else None
        while True:
            try:
                outcome = await self.under.update(sealing.footprint, sealing.plan, sealing.guards, cut)
                break
            except UnknownKey as unknown:  # nothing was written
                await self.ring.learn(unknown.id)
            except Uncut:
                cut = None
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


class SealedHere:
    """See `contract.Here`."""

    def __init__(self, under: Here, ring: Keyring) -> None:
        self._under_body = under.body
        self._under_page = under.page
        self._ring = ring
        self._sealer = ring.sealer
        self._open_item = ring.sealer.open_item
        self._place = ring.places.of
        self._blank = ring.places.blank.copy

    def body(self, space: int, partition: bytes, sort: bytes, skip: int = 0) -> bytes | None:
        hashed = self._blank()
        hashed.update(partition)
        place = hashed.digest()
        sealed = self._under_body(space, place, sort)
        if sealed is None:
            return None
        bound = pack_space(space) + place + sort
        try:
            if skip == CLEAR_BYTES and sealed[0] == ITEM:
                return self._open_item(sealed, bound, bodies.LENGTH_BYTES + len(partition))
            return bodies.opened_of(self._sealer, bound, sealed, partition, skip)
        except UnknownKey as unknown:
            self._ring.learn_here(unknown.id)
            return bodies.opened_of(self._sealer, bound, sealed, partition, skip)

    def page(
        self,
        space: int,
        partition: bytes,
        bounds: Bounds,
        forward: bool,
        budget: PageBudget,
        after: bytes | None = None,
        skip: int = 0,
    ) -> Page:
        place = self._place(partition)
        page = self._under_page(space, place, bounds, forward, budget, after)
        while True:
            try:
                return range_page(self._sealer, space, partition, place, page, None, skip)
            except UnknownKey as unknown:
                self._ring.learn_here(unknown.id)


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
