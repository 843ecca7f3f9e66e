"""The keeper: what runs by itself over the store. Each duty is an object with one `run_once`; where a store may have
several keepers, each duty is done under a lease."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from statordb.keeper.alarms import Alarms
from statordb.keeper.backfill import Backfill
from statordb.keeper.expiry import Expiry
from statordb.keeper.insights import Insights
from statordb.keeper.kms import KmsKeys
from statordb.keeper.ledger import Ledger
from statordb.keeper.logs import Logs
from statordb.keeper.reclaim import Reclaim
from statordb.keeper.resealing import Resealing
from statordb.keeper.scaling import Scaling
from statordb.keeper.sessions import Sessions
from statordb.keeper.sizes import Sizes
from statordb.keeper.spaces import Spaces
from statordb.keeper.tenure import LOOK_SECONDS, Tenure
from statordb.keeper.tokens import Tokens
from statordb.store.store import Store

TICK_SECONDS = 0.05
CATCH_UP_SECONDS, CATCH_UP_TURNS = 0.005, 2
SHARED_SECONDS = 0.25  # between two runs of a duty, at least, on a store that servers share: each asks the cluster


class Duty(Protocol):
    """Something to be done again and again."""

    name: str
    every_seconds: float

    async def run_once(self) -> bool:
        """Do a bounded part of what is to do; True if there is more to do at once."""
        ...


@runtime_checkable
class Resting(Protocol):
    """A duty with tasks of its own."""

    async def rest(self) -> None:
        """End them: the duty is another keeper's from now on, or this one stops."""
        ...


Report = Callable[[str, BaseException], None]
"""Told of every failure of a duty, for the log; the duty is tried again."""


def duties(store: Store) -> list[Duty]:
    """Every duty of a server."""
    return [
        Backfill(store), Expiry(store), Reclaim(store), Spaces(store), Tokens(store), Logs(store), KmsKeys(store),
        Sessions(store), Resealing(store), Sizes(store), Ledger(store), Scaling(store), Alarms(store), Insights(store),
    ]  # fmt: skip


@dataclass(slots=True)
class _Post:
    """A duty, and when it is due. `active`: it may have tasks that run. `more`: it has more to do at once."""

    duty: Duty
    due: float = 0.0
    active: bool = False
    more: bool = False
    run: asyncio.Task[None] | None = None  # under a lease, where a slow duty must not hold up the others


class Keeper:
    """Runs the duties. Times between runs are the event loop's, not the clock's.

    `holder` None: no other keeper can be there, and the duties are run in turns. Else others may, and this one's name
    is its alone; it runs those duties whose lease it has, side by side, and stops what it does for one the moment the
    lease ends.
    """

    def __init__(
        self,
        store: Store,
        report: Report,
        holder: str | None = None,
        work: Sequence[Duty] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._report = report
        self._posts = [_Post(duty) for duty in (duties(store) if work is None else work)]
        names = [post.duty.name for post in self._posts]
        self._tenure = None if holder is None else Tenure(store.leases, store.clock, holder, names, monotonic)

    async def run(self, stop: asyncio.Event) -> None:
        """Run until told to stop; then give the leases back."""
        looking = asyncio.create_task(self._look_on())
        loop = asyncio.get_running_loop()
        try:
            while not stop.is_set():
                if not await self.turn(loop.time()):
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), TICK_SECONDS)
        finally:
            looking.cancel()
            runs = [post.run for post in self._posts if post.run is not None]
            for run in runs:
                run.cancel()
            await asyncio.gather(*runs, return_exceptions=True)
        for post in self._posts:
            await self._try(_rest(post))
        if self._tenure is not None:
            await self._try(self._tenure.end())

    async def catch_up(self) -> None:
        """Have every duty of this keeper's run now, whenever it is due, and until it has no more to do at once; while
        the keeper runs. Twice, since what one does may be another's to go on with."""
        for _ in range(CATCH_UP_TURNS):
            for post in self._posts:
                post.due = 0.0
            while any(post.more or not post.due for post in self._posts if self._is_here(post)):
                await asyncio.sleep(CATCH_UP_SECONDS)

    def _is_here(self, post: _Post) -> bool:
        return self._tenure is None or self._tenure.has(post.duty.name)

    async def look(self) -> None:
        """See which duties are this keeper's; needed every few seconds where there may be others."""
        if self._tenure is not None:
            await self._try(self._tenure.look())

    async def turn(self, at: float) -> bool:
        """One turn: run each duty that is due, let those rest that are another's; True if some have more to do at
        once."""
        if self._tenure is None:
            for post in self._posts:
                if at >= post.due:
                    await self._run(post, at, contextlib.nullcontext())
        else:
            await self._turn_by_leases(self._tenure, at)
        return any(post.more for post in self._posts)

    async def _turn_by_leases(self, tenure: Tenure, at: float) -> None:
        started = []
        for post in self._posts:
            name = post.duty.name
            if post.run is not None and not post.run.done():
                continue  # it ends with its lease
            if not tenure.has(name):
                post.more = False
                await self._try(_let_go(post, tenure))
            elif at >= post.due:
                post.run = asyncio.create_task(self._run(post, at, tenure.within(name)))
                started.append(post.run)
        if started:
            await asyncio.wait(started, timeout=TICK_SECONDS)

    async def _run(self, post: _Post, at: float, lease: AbstractAsyncContextManager[None]) -> None:
        post.active = True
        post.more = False
        try:
            async with lease:
                post.more = await post.duty.run_once()
        except Exception as fault:
            self._report(post.duty.name, fault)
        pause = post.duty.every_seconds if self._tenure is None else max(post.duty.every_seconds, SHARED_SECONDS)
        post.due = at if post.more else at + pause

    async def _look_on(self) -> None:
        while self._tenure is not None:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _try(self, doing: Awaitable[None]) -> None:
        try:
            await doing
        except Exception as fault:
            self._report("lease", fault)


async def _let_go(post: _Post, tenure: Tenure) -> None:
    await _rest(post)
    await tenure.give_back(post.duty.name)


async def _rest(post: _Post) -> None:
    """Let a duty end what it has begun, if it may have; where that fails, it may be asked to again."""
    if post.active:
        if isinstance(post.duty, Resting):
            await post.duty.rest()
        post.active = False
