"""What a pool does all the time: it measures memory, ends what is not needed, and forgets functions that are gone."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from statordb.model.tasks import Tasks
from statordb.runtime import processes
from statordb.runtime.code import CodeCache
from statordb.runtime.fleet import Fleets
from statordb.runtime.instance import State
from statordb.runtime.memory import SAMPLE_SECONDS, SURVEY_SAMPLES
from statordb.store.functions.catalog import FunctionRecord

MEASURED_TOGETHER = 8  # instances; a launcher looks at twice as many at once
LIFE_SECONDS_MAX = 3000.0  # of an instance: less than a session lasts, which its credentials are of
SWEEP_SECONDS = 10.0  # between two looks for instances that are not needed
IDLE_SURVEYS = 10  # every so many surveys those that do nothing are looked at as closely as the others
EXISTS_SECONDS = 3.0  # between two looks for functions that are gone

Look = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


class Upkeep:
    """Begins when it is made, in the running event loop; `close` it there. See Pool for `exists`, and Containment for
    `end_strays`."""

    def __init__(
        self,
        fleets: Fleets,
        code: CodeCache,
        exists: Callable[[FunctionRecord], Awaitable[bool]] | None,
        idle_seconds: float,
        end_strays: Callable[[set[str]], None],
    ) -> None:
        self._end_strays = end_strays
        self._fleets = fleets
        self._code = code
        self._exists = exists
        self._idle_seconds = idle_seconds
        self._loop = asyncio.get_running_loop()
        self._looks = 0
        self._tasks = Tasks()
        self._tasks.begin(_repeat(SAMPLE_SECONDS, self._measure))
        self._tasks.begin(_repeat(min(SWEEP_SECONDS, idle_seconds), self.sweep))
        self._tasks.begin(_repeat(EXISTS_SECONDS, self._retire_gone))

    async def close(self) -> None:
        await self._tasks.close()

    async def _measure(self) -> None:
        """Look at the memory of busy instances; now and then at that of all, with all their children."""
        instances = self._fleets.instances()
        self._looks += 1
        looks: list[Look] = []
        if instances and self._looks % SURVEY_SAMPLES == 0:
            members = await asyncio.to_thread(processes.by_session)
            for instance in instances:
                thoroughly = instance.state is not State.READY or self._looks % (IDLE_SURVEYS * SURVEY_SAMPLES) == 0
                looks.append(
                    partial(instance.measure, members.get(instance.sandbox.session, ()), thoroughly=thoroughly)
                )
            await _together(looks)
            self._end_strays({instance.mark for instance in self._fleets.instances()})
        else:
            busy = (State.BUSY, State.STARTING)
            await _together([instance.measure for instance in instances if instance.state in busy])

    async def sweep(self) -> None:
        """End what has been idle or has lived for long, and let go of what is not used."""
        now = self._loop.time()
        for instance in self._fleets.instances():
            resting = instance.state in (State.READY, State.SETTLING) and not instance.holds
            if now - instance.born_at >= LIFE_SECONDS_MAX:
                instance.retire()
            elif resting and now - instance.since >= self._idle_seconds:
                instance.end()
        self._fleets.drop_unused()
        await self._code.sweep({instance.root for instance in self._fleets.instances()})

    async def _retire_gone(self) -> None:
        """End the warm processes of functions that are gone, with the credentials that those have."""
        if self._exists is None:
            return
        for fleet in self._fleets:
            function = fleet.function
            if fleet.ready and not await self._exists(function) and fleet.function is function:
                fleet.retire_all()


async def _together(looks: Sequence[Look]) -> None:
    """Look at instances side by side: one that takes its time holds up no other. What fails is raised in the end."""
    free = asyncio.Semaphore(MEASURED_TOGETHER)
    faults: list[Exception] = []

    async def one(look: Look) -> None:
        async with free:
            try:
                await look()
            except Exception as fault:
                faults.append(fault)

    await asyncio.gather(*map(one, looks))
    if faults:
        raise ExceptionGroup("instances can't be measured", faults)


async def _repeat(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    """Act again and again with a pause before each; what fails is logged and tried again."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await act()
        except Exception:
            log.exception("the keeping of functions' processes failed")
