"""Engines that behave as one on a cluster may, each around a real one."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from statordb.engine.contract import (
    Change,
    Conflict,
    Effects,
    Engine,
    Guard,
    Heads,
    Key,
    PageBudget,
    Plan,
    Refused,
    Stale,
    Stored,
    Use,
)

WRITES = ("update", "create_space", "drop_space", "reclaim", "trim")


class Around:
    """Another engine, but for what a subclass does otherwise."""

    def __init__(self, engine: Engine) -> None:
        self.inner = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def as_engine(self) -> Engine:
        return cast(Engine, self)


class Held(Around):
    """Rows can be held, as if transactions of other processes went on over them."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.held: dict[Key, int] = {}  # how many more times each gets in the way
        self.refused = 0

    def hold(self, *keys: Key, times: int = 1_000_000) -> None:
        self.held.update(dict.fromkeys(keys, times))

    def _refuse(self, keys: Sequence[Key]) -> None:
        found = [key for key in keys if self.held.get(key, 0) > 0]
        for key in found:
            self.held[key] -= 1
        if found:
            self.refused += 1
            raise Conflict(found)

    async def update(
        self, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard] = (), head: int | None = None
    ) -> Effects | Refused | Stale:
        self._refuse(footprint)
        return await self.inner.update(footprint, plan, guards, head)

    async def read(
        self, keys: Sequence[Key], consistent: bool = True, snapshot: bool = True, heads: Heads | None = None
    ) -> list[Stored | None]:
        if snapshot:
            self._refuse(keys)
        return await self.inner.read(keys, consistent, snapshot, heads)


class Uses(Around):
    """Notes what spaces are made for."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.made: dict[int, tuple[Use, int | None]] = {}

    async def create_space(self, use: Use = Use.ROWS, within: int | None = None) -> int:
        space = await self.inner.create_space(use, within)
        self.made[space] = use, within
        return space


class Died(BaseException):
    """The process has ended."""


class Mortal(Around):
    """Of a process that ends once it has written so many times (`lives`; None: it never does): what it was about to do
    next it does not do any more."""

    def __init__(self, engine: Engine, lives: int | None) -> None:
        super().__init__(engine)
        self.written = 0
        self._lives = lives
        self.dead = False
        for name in WRITES:
            setattr(self, name, self._mortal(getattr(engine, name)))

    def _mortal(self, write: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def written(*arguments: Any, **named: Any) -> Any:
            if self.dead:
                raise Died
            outcome = await write(*arguments, **named)
            self.written += 1
            if self.written == self._lives:
                self.dead = True
                raise Died
            return outcome

        return written


class Eventual(Uses):
    """Rows of derived spaces come later, in any order, and the one with the highest version wins; a deletion is just
    below the version of its update. Changes above `hidden_above` can't be read yet.

    An announcement takes a while: `meanwhile` is done when its update has happened, and not everybody knows of it. All
    that is owed then has come when it is told.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.traits = replace(engine.traits, guards=False, global_indexes_strong=False)
        self.hidden_above: int | None = None
        self.announcements = 0
        self.told = 0
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        self.owed: list[tuple[Key, bytes | None, float]] = []
        self._versions: dict[Key, int] = {}
        self._stamps: dict[Key, float] = {}
        self._now = 0

    async def update(
        self, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard] = (), head: int | None = None
    ) -> Effects | Refused | Stale:
        owed: list[tuple[Key, bytes | None, float]] = []
        announcements = self.announcements

        def local(stored: list[Stored | None]) -> Effects | Refused:
            owed.clear()
            effects = plan(stored)
            if isinstance(effects, Refused):
                return effects
            self._now += 1
            self._versions.update((key, self._now) for key, _ in effects.writes)
            kept = []
            for key, body, base in effects.derived:
                if self.made.get(key.space, (Use.ROWS, None))[0] is not Use.DERIVED:
                    kept.append((key, body, base))
                    continue
                assert base is None or base in footprint
                version = self._now if base is None else self._versions.get(base, 0)
                owed.append((key, body, version - 0.5 if body is None else version))
            self.announcements += bool(effects.announce)
            return replace(effects, derived=kept)

        outcome = await self.inner.update(footprint, local, guards)
        self.owed += owed
        if self.announcements > announcements:
            if self.meanwhile is not None:
                await self.meanwhile()
            await self.deliver_all()
            self.told += 1
        return outcome

    async def deliver(self, place: int = 0) -> None:
        """Let one of the rows that are owed arrive."""
        key, body, version = self.owed.pop(place)
        known = self._stamps.get(key, -1)
        if version > known:
            self._stamps[key] = version
            await self.inner.update((key,), lambda stored: Effects(writes=((key, body),)))

    async def deliver_all(self) -> None:
        while self.owed:
            await self.deliver(len(self.owed) - 1)

    def late(self) -> "Late":
        """The same store, as a process sees it that hears of changes only when they are told."""
        return Late(self)

    async def log(self, stream: int, shard: bytes, after: int, budget: PageBudget) -> list[Change]:
        found = await self.inner.log(stream, shard, after, budget)
        limit = self.hidden_above
        return found if limit is None else [change for change in found if change.sequence <= limit]

    async def log_end(self, stream: int, shard: bytes) -> int:
        found = await self.log(stream, shard, 0, PageBudget(1 << 20, 1 << 30))
        return found[-1].sequence if found else 0


class Late(Around):
    """What an `Eventual` is to a process that goes by what it knows until it is told."""

    inner: Eventual

    def epoch(self) -> int:
        return self.inner.told

    def announced(self, since: int) -> tuple[None, int]:
        return None, self.inner.told

    async def update(
        self, footprint: Sequence[Key], plan: Plan, guards: Sequence[Guard] = (), head: int | None = None
    ) -> Effects | Refused | Stale:
        return await self.inner.update(footprint, plan)
