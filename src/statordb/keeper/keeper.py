"""The keeper: what runs by itself over the store. Each duty is an object with one `run_once`; the keeper runs them
under a lease."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from statordb.keeper.backfill import Backfill
from statordb.keeper.expiry import Expiry
from statordb.keeper.reclaim import Reclaim
from statordb.keeper.streams import Streams
from statordb.keeper.tokens import Tokens
from statordb.store import leases
from statordb.store.store import Store

LEASE = "keeper"
LEASE_SECONDS = 30.0
RENEW_SECONDS = 10.0
TICK_SECONDS = 0.05


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
        """End them: this keeper leads no more, or stops."""
        ...


Report = Callable[[str, BaseException], None]
"""Told of every failure of a duty, for the log; the duty is tried again."""


def duties(store: Store) -> list[Duty]:
    """Every duty of a server."""
    return [Backfill(store), Expiry(store), Reclaim(store), Tokens(store), Streams(store)]


class Keeper:
    """Runs the duties in turns while it holds the lease. Times between runs are the event loop's, not the clock's.

    `holder`: a name that outlives restarts, where only one keeper can run at a time anyway; else a name of its own.
    """

    def __init__(
        self, store: Store, report: Report, holder: str | None = None, work: Sequence[Duty] | None = None
    ) -> None:
        self._store = store
        self._report = report
        self._duties = list(duties(store) if work is None else work)
        self._due = [0.0] * len(self._duties)
        self._holder = holder or uuid.uuid4().hex
        self._renew_at = 0.0
        self._leading = False

    async def run(self, stop: asyncio.Event) -> None:
        """Run until told to stop; then give the lease back."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            busy = False
            try:
                busy = await self.turn(loop.time())
            except Exception as fault:
                self._report("lease", fault)
            if not busy:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), TICK_SECONDS)
        await self._rest()
        if self._leading:
            await leases.release(self._store.engine, LEASE, self._holder)

    async def _rest(self) -> None:
        """Let those duties end that have tasks of their own."""
        for duty in self._duties:
            if isinstance(duty, Resting):
                await duty.rest()

    async def turn(self, at: float) -> bool:
        """One turn: renew the lease if need be, run each duty that is due; True if some duty has more to do at once."""
        if at >= self._renew_at:
            now = self._store.clock.now()
            led = self._leading
            self._leading = await leases.take(self._store.engine, LEASE, self._holder, now, LEASE_SECONDS)
            self._renew_at = at + RENEW_SECONDS
            if led and not self._leading:
                await self._rest()
        if not self._leading:
            return False
        busy = False
        for position, duty in enumerate(self._duties):
            if at < self._due[position]:
                continue
            more = False
            try:
                more = await duty.run_once()
            except Exception as fault:
                self._report(duty.name, fault)
            self._due[position] = at if more else at + duty.every_seconds
            busy = busy or more
        return busy
