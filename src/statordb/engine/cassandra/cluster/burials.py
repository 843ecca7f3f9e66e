"""What is done when another process has died: its number is claimed, its row condemned, its lease waited out; what it
owed is done; its number is free again."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from statordb.engine.cassandra.cluster import pulses, slots
from statordb.engine.cassandra.cluster.clock import STEP, Clock
from statordb.engine.cassandra.cluster.deaths import Deaths
from statordb.engine.cassandra.cluster.pulses import Sight, Who
from statordb.engine.cassandra.cql.session import Session, Unreachable

AGAIN_SECONDS_MAX = 120.0  # between two tries at one that can't be recovered
SET_ASIDE_TRIES = 4  # so often what can't be understood is tried; then the rest of the cluster goes on without it

log = logging.getLogger(__name__)


class Recoverer(Protocol):
    async def recover(self, slot: int, incarnation: bytes, *, set_aside: bool = False) -> int:
        """Do all that a dead process owed but for what can't be done, which stays noted: how much that is. `set_aside`:
        nobody will try that again. Raises Unreachable."""
        ...


class Failed(NamedTuple):
    """A process that could not be recovered, or not whole: how often that was tried, and when it is due again
    (monotonic seconds)."""

    tries: int
    due: float


class Unfinished(Exception):
    """Some of what a dead process owed could not be done; args: how much."""


class Burials:
    """Those that this process sees to. Times in seconds."""

    def __init__(
        self,
        session: Session,
        clock: Clock,
        deaths: Deaths,
        recoverer: Recoverer,
        still: float,
        lease: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`lease`: how long a condemned process may still do something."""
        self._now = now
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
        self._failed: dict[Who, Failed] = {}
        self.failures_total = 0  # tries that ended otherwise than well
        self.set_aside_total = 0  # journal rows and pending rows that were given up

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
            if who != me and who not in self._tasks and self._is_due(who, sight.over):
                task = self._tasks[who] = asyncio.get_running_loop().create_task(self._bury(who, me[1]))
                task.add_done_callback(self._forget(who))

    async def stop(self) -> None:
        """Leave what is not finished to others."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def metrics(self) -> dict[str, float]:
        """How often a dead process could not be recovered here, and how much of what it owed was given up."""
        return {"recovery_failures_total": self.failures_total, "set_aside_total": self.set_aside_total}

    def _is_due(self, who: Who, now: float) -> bool:
        known = self._failed.get(who)
        return known is None or now >= known.due

    def _forget(self, who: Who) -> Callable[[asyncio.Task[None]], object]:
        return lambda _: self._tasks.pop(who)

    async def _bury(self, who: Who, helper: bytes) -> None:
        """What can't be done now is tried again when the process has been dead for longer. Nothing may end this unseen:
        as long as the dead process's low stands, no reader of logs gets on, in the whole cluster."""
        tries = self._failed[who].tries + 1 if who in self._failed else 1
        try:
            await self._try(who, helper, set_aside=tries > SET_ASIDE_TRIES)
        except Unreachable:
            self.failures_total += 1  # Cassandra's fault, not that of what is owed: it is not given up for that
        except Exception as fault:
            self.failures_total += 1
            pause = min(self._still * 2 ** (tries - 1), AGAIN_SECONDS_MAX)
            self._failed[who] = Failed(tries, self._now() + pause)
            log.error(
                "a dead process could not be recovered",
                exc_info=None if isinstance(fault, Unfinished) else fault,
                extra={"slot": who[0], "incarnation": who[1].hex(), "tries": tries, "reason": str(fault)},
            )
            await self._hand_on(who, helper)
        else:
            self._failed.pop(who, None)

    async def _try(self, who: Who, helper: bytes, set_aside: bool) -> None:
        session = self._session
        if not await slots.take_over(session, who, helper, self._deaths.alive):
            return
        await pulses.condemn(session, who)
        await asyncio.sleep(self._lease)
        left = await self._recoverer.recover(*who, set_aside=set_aside)
        if left and not set_aside:
            raise Unfinished(left)
        if left:
            self.set_aside_total += left
            log.critical(
                "what a dead process owed was given up: its journal keeps what could not be understood",
                extra={"slot": who[0], "incarnation": who[1].hex(), "rows": left},
            )
        seen = [pulse for pulse in await pulses.read(session) if pulse.who == who]
        # It may have appended above what it told last.
        top = pulses.highest(seen) + int(self._still * 1e6) * STEP
        await pulses.bury(session, who, max(top, self._clock.bound()))
        await slots.free(session, who, slots.RECOVERING, helper)

    async def _hand_on(self, who: Who, helper: bytes) -> None:
        """Let another process try in between: it may be of a release that can do it."""
        try:
            await slots.hand_on(self._session, who, helper)
        except Unreachable:
            return  # then it stays ours
