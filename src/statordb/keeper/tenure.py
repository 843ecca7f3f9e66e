"""Which duties a keeper has among those of several servers: each has a lease, and its keeper by the keepers there are.

A duty belongs to that keeper, of those that can do it, whose name gives the highest hash together with the duty's: so
duties are spread, and few of them move when a keeper comes or goes. The lease sees to it that a duty is never done
twice, whatever a keeper believes of the others: it is taken by a conditional update, ends LEASE_SECONDS after it was
renewed by the clocks of those who want it, and counts VALID_SECONDS only by the monotonic clock of the one that has it.
The difference is what clocks may differ by: engines of several machines neither start, nor take updates, where they
differ by that.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b

from statordb.model.clock import Clock
from statordb.store.leases import Leases
from statordb.store.terms import Unanswered

LEASE_SECONDS = 15.0
VALID_SECONDS = 10.0
RENEW_SECONDS = 3.0
LOOK_SECONDS = 1.0  # between two looks at who is there and what is free


class LeaseEnded(Unanswered):
    """A duty has not come to its end before its lease did, which another has now, or could not be renewed."""


@dataclass(slots=True)
class _Lease:
    """`until`: when it stops to count, `renew_at`: when to renew it, both in monotonic seconds."""

    until: float = 0.0
    renew_at: float = 0.0
    run: asyncio.Timeout | None = None  # ends what is done under it


class Tenure:
    """The leases of one keeper. `holder`: a name that no other keeper that lives has."""

    def __init__(
        self,
        leases: Leases,
        clock: Clock,
        holder: str,
        duties: Sequence[str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stored = leases
        self._clock = clock
        self._holder = holder
        self._leases = {duty: _Lease() for duty in duties}
        self._monotonic = monotonic
        self._report_at = 0.0
        self._leaving: set[str] = set()

    def has(self, duty: str) -> bool:
        return self._leases[duty].until > self._monotonic()

    async def look(self) -> None:
        """Renew the leases, take those of duties that belong to this keeper, and end those that belong to another by
        now: to be given back. Raises what the store raises, once all were tried."""
        began, now = self._monotonic(), self._clock.now()
        if began >= self._report_at:
            await self._stored.report(self._holder, self._leases, now, LEASE_SECONDS)
            self._report_at = began + RENEW_SECONDS
        keepers = await self._stored.keepers(now)
        for fault in await asyncio.gather(
            *(self._settle(duty, owner(duty, keepers) == self._holder) for duty in self._leases), return_exceptions=True
        ):
            if fault is not None:
                raise fault

    async def give_back(self, duty: str) -> None:
        """Let another have a duty that belongs to it by now; whatever is done under the lease has ended."""
        if duty in self._leaving:
            try:
                await self._stored.release(duty, self._holder)
            finally:
                self._leaving.discard(duty)

    async def end(self) -> None:
        """Give everything back."""
        for lease in self._leases.values():
            _end(lease)
        await self._stored.leave(self._holder)
        await asyncio.gather(*(self._stored.release(duty, self._holder) for duty in self._leases))

    @asynccontextmanager
    async def within(self, duty: str) -> AsyncIterator[None]:
        """Cancels what is done inside, and raises LeaseEnded, when the lease ends without having been renewed."""
        lease = self._leases[duty]
        scope = asyncio.timeout(lease.until - self._monotonic())
        try:
            async with scope as lease.run:
                try:
                    yield
                finally:
                    lease.run = None
        except TimeoutError:
            if not scope.expired():
                raise
            raise LeaseEnded("its lease ended, and was not renewed") from None

    async def _settle(self, duty: str, ours: bool) -> None:
        lease, began = self._leases[duty], self._monotonic()
        if not ours:
            if lease.until > began:
                self._leaving.add(duty)
                _end(lease)
        elif duty in self._leaving:
            return  # it is given back first: else that would take away what is taken now
        elif began >= lease.renew_at or lease.until <= began:
            if not await self._stored.take(duty, self._holder, self._clock.now(), LEASE_SECONDS):
                _end(lease)
                return
            lease.until, lease.renew_at = began + VALID_SECONDS, began + RENEW_SECONDS
            if lease.run is not None:
                left = lease.until - self._monotonic()
                lease.run.reschedule(asyncio.get_running_loop().time() + left)


def owner(duty: str, keepers: Mapping[str, Sequence[str]]) -> str | None:
    """Which of the keepers, each with the duties that it can do, a duty belongs to; None if nobody can do it."""
    return max(
        (keeper for keeper, duties in keepers.items() if duty in duties),
        key=lambda keeper: blake2b(f"{duty}\0{keeper}".encode(), digest_size=8).digest(),
        default=None,
    )


def _end(lease: _Lease) -> None:
    lease.until = lease.renew_at = 0.0
    if lease.run is not None:
        lease.run.reschedule(asyncio.get_running_loop().time())
