"""The epoch: a number of the whole store, raised by whoever changed what others cache; and which updates of this
process go by which epoch."""

import asyncio
from collections.abc import Awaitable, Callable

from statordb.engine.cassandra.cluster.pulses import Sight
from statordb.engine.cassandra.cql.session import SERIAL, Session, Unreachable

RAISE_TRIES = 20

_SELECT = "SELECT value FROM meta WHERE name = 'epoch'"


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

    def adopt(self, epoch: int) -> None:
        if epoch <= self.current:
            return
        self.current = epoch
        for callback in self._callbacks:
            callback()
        self._hurry()

    async def raise_epoch(self) -> int:
        """An epoch that is newer than any before; everybody will adopt it. Raises Unreachable."""
        epoch = await self._raised()
        self.adopt(epoch)
        return epoch

    async def announce(self) -> None:
        """Raise the epoch; returns when all guarded updates, of every process, that began before have ended. Those of
        a dead process have when it is recovered.

        So an update that announces must not be one of them, and no recovery may wait for this. Raises Unreachable.
        """
        epoch = await self.raise_epoch()
        while True:
            sight = await self._look()
            if all(pulse.adopted >= epoch for pulse in sight.pulses):
                return
            await asyncio.sleep(self._pause)

    async def read(self, consistency: str) -> int:
        """The epoch of the store. Raises Unreachable."""
        value: int = (await self._session.rows(_SELECT, consistency=consistency))[0][0]
        return value

    async def _raised(self) -> int:
        """An epoch of the store that was raised, by whomever, after this was called. Raises Unreachable."""
        old = await self.read(SERIAL)
        text = "UPDATE meta SET value = ? WHERE name = 'epoch' IF value = ?"
        for _ in range(RAISE_TRIES):
            try:
                if await self._session.conditional([(text, (old + 1, old))]) is None:
                    return old + 1
            except Unreachable:
                pass  # whether that raised it is read now
            now = await self.read(SERIAL)
            if now > old:
                return now
        raise Unreachable("the epoch could not be raised")
