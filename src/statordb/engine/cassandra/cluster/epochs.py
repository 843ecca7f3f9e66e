"""The epoch: a number of the whole store, raised, and told with its names, by whoever changed what others cache; and
which updates of this process go by which epoch."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from statordb.engine.cassandra.cluster.announcements import KEPT_MAX, Announced, News, telling, together, told
from statordb.engine.cassandra.cluster.pulses import Sight
from statordb.engine.cassandra.cluster.rounds import Rounds
from statordb.engine.cassandra.cql.session import SERIAL, Session, Unreachable

RAISE_TRIES = 20
PAUSE_SECONDS = 0.01  # where others raise it at the same time; longer and longer

_SELECT = "SELECT value, news FROM meta WHERE name = 'epoch'"


class Told(NamedTuple):
    """The epoch of the store, and what the last announcements named."""

    epoch: int
    news: News


class Epochs:
    """`current`: the epoch that this process has adopted."""

    def __init__(
        self, session: Session, look: Callable[[], Awaitable[Sight]], hurry: Callable[[], None], pause: float
    ) -> None:
        """`look`: what all processes tell. `hurry`: what this one tells has changed, and others wait for it. `pause`:
        seconds between two looks."""
        self.current = 0
        self._session = session
        self._look = look
        self._hurry = hurry
        self._pause = pause
        self._callbacks: list[Callable[[], None]] = []
        self._guarded: dict[int, int] = {}  # how many updates run, by the epoch they began under
        self._names: dict[int, Sequence[str] | None] = {}  # of the last epochs up to the adopted one, without gaps
        self._waiting: Announced = False  # what the next raising announces
        self._raising = Rounds(self._raise_waiting)

    def on_change(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    def begin(self) -> int:
        self._guarded[self.current] = self._guarded.get(self.current, 0) + 1
        return self.current

    def end(self, token: int) -> None:
        self._guarded[token] -= 1
        if not self._guarded[token]:
            del self._guarded[token]
            if token != self.current:
                self._hurry()  # it was the last one of an epoch that is over

    @property
    def busy(self) -> bool:
        """Whether updates run that go by some epoch."""
        return bool(self._guarded)

    @property
    def settled(self) -> int:
        """The epoch that every running update goes by, or a later one."""
        return min(self._guarded, default=self.current)

    def adopt(self, told: Told) -> None:
        epoch, news = told
        if epoch <= self.current:
            return
        for number in range(max(self.current, epoch - KEPT_MAX) + 1, epoch + 1):
            self._names[number] = news.get(number)
        for number in range(self.current - KEPT_MAX + 1, epoch - KEPT_MAX + 1):
            self._names.pop(number, None)
        self.current = epoch
        for callback in self._callbacks:
            callback()
        self._hurry()

    def announced(self, since: int) -> tuple[Sequence[str] | None, int]:
        """See `contract.Engine`."""
        names: list[str] = []
        for number in range(since + 1, self.current + 1) if self.current - since <= KEPT_MAX else (0,):
            named = self._names.get(number)
            if named is None:
                return None, self.current
            names += named
        return names, self.current

    async def raise_epoch(self, announced: Announced = True) -> int:
        """An epoch that is newer than any before, and tells of this; everybody will adopt it. What is announced at once
        is announced together. Raises Unreachable."""
        self._waiting = together(self._waiting, announced)
        return await self._raising.run()

    async def finish(self) -> None:
        """Wait until nothing is being raised."""
        await self._raising.finish()

    async def announce(self, announced: Announced = True) -> None:
        """Raise the epoch; returns when all guarded updates, of every process, that began before have ended. Those of
        a dead process have when it is recovered.

        So an update that announces must not be one of them, and no recovery may wait for this. Raises Unreachable.
        """
        epoch = await self.raise_epoch(announced)
        while True:
            sight = await self._look()
            if all(pulse.adopted >= epoch for pulse in sight.pulses):
                return
            await asyncio.sleep(self._pause)

    async def read(self, consistency: str) -> Told:
        """What the store has. Raises Unreachable."""
        ((epoch, news),) = await self._session.rows(_SELECT, consistency=consistency)
        return Told(epoch, told(news))

    async def _raise_waiting(self) -> int:
        announced, self._waiting = self._waiting, False
        raised = await self._raised(announced)
        self.adopt(raised)
        return raised.epoch

    async def _raised(self, announced: Announced) -> Told:
        """What the store has after a new epoch of this announcement. Raises Unreachable."""
        text = "UPDATE meta SET value = ?, news = ? WHERE name = 'epoch' IF value = ?"
        for tries in range(RAISE_TRIES):
            old = await self.read(SERIAL)
            epoch = old.epoch + 1
            news = telling(old.news, epoch, announced)
            try:
                if await self._session.conditional([(text, (epoch, news, old.epoch))]) is None:
                    return Told(epoch, told(news))
            except Unreachable:
                continue  # if that raised it, this is told twice, which does no harm
            await asyncio.sleep(random.random() * PAUSE_SECONDS * (tries + 1))  # others were faster
        raise Unreachable("the epoch could not be raised")
