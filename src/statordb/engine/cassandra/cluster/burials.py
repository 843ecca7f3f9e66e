"""What is done when another process has died: its number is claimed, its row condemned, its lease waited out; what it
owed is done; its number is free again."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from statordb.engine.cassandra.cluster import pulses, slots
from statordb.engine.cassandra.cluster.clock import STEP, Clock
from statordb.engine.cassandra.cluster.deaths import Deaths
from statordb.engine.cassandra.cluster.pulses import Sight, Who
from statordb.engine.cassandra.cql.session import Session, Unreachable


class Recoverer(Protocol):
    async def recover(self, slot: int, incarnation: bytes) -> None:
        """Do all that a dead process owed. Raises Unreachable."""
        ...


class Burials:
    """Those that this process sees to. Times in seconds."""

    def __init__(
        self, session: Session, clock: Clock, deaths: Deaths, recoverer: Recoverer, still: float, lease: float
    ) -> None:
        """`lease`: how long a condemned process may still do something."""
        self._session = session
        self._clock = clock
        self._deaths = deaths
        self._recoverer = recoverer
        self._still = still
        self._lease = lease
        self._tasks: dict[Who, asyncio.Task[None]] = {}
        self._holders: list[Who] = []
        self._asked = float("-inf")
        self._looked = float("-inf")

    async def look_after(self, sight: Sight, me: Who) -> None:
        """Begin to bury whoever is found dead. Raises Unreachable."""
        if sight.over - self._asked > self._still / 2:
            self._holders = await slots.held(self._session)
            self._asked = sight.over
        # One that ended, and has its number still, died just before it could be freed.
        dead = self._deaths.see(sight, self._holders)
        blind = sight.begun - self._looked > 0.75 * self._still
        self._looked = sight.over
        if blind:
            return  # Cassandra may have been away for all; who is dead will be found so again
        for who in dead:
            if who != me and who not in self._tasks:
                task = self._tasks[who] = asyncio.get_running_loop().create_task(self._bury(who, me[1]))
                task.add_done_callback(self._forget(who))

    async def stop(self) -> None:
        """Leave what is not finished to others."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, who: Who) -> Callable[[asyncio.Task[None]], object]:
        return lambda _: self._tasks.pop(who)

    async def _bury(self, who: Who, helper: bytes) -> None:
        """What can't be done now is tried again when the process has been dead for longer."""
        session = self._session
        try:
            if not await slots.take_over(session, who, helper, self._deaths.alive):
                return
            await pulses.condemn(session, who)
            await asyncio.sleep(self._lease)
            await self._recoverer.recover(*who)
            seen = [pulse for pulse in await pulses.read(session) if pulse.who == who]
            # It may have appended above what it told last.
            top = pulses.highest(seen) + int(self._still * 1e6) * STEP
            await pulses.bury(session, who, max(top, self._clock.bound()))
            await slots.free(session, who, slots.RECOVERING, helper)
        except Unreachable:
            return
