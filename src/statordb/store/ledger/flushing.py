"""What a process has counted goes into the ledger: every ten seconds, and when the process ends.

A process that is killed has counted for nothing what it did since: that is the most that is lost. While the store takes
nothing it is counted on.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from itertools import islice
from math import inf

from statordb.metering.series import Figures, Subject, add_figures
from statordb.metering.taps import OTHERS, Taken, Taps
from statordb.model.clock import Clock
from statordb.store.ledger.ledger import Counted, Ledger

OPEN_MAX = 20_000  # minutes of subjects that are not written yet; beyond, one of theirs takes in the next ones
AT_ONCE = 50  # subjects that are gathered, or written, before others get their turn

log = logging.getLogger(__name__)


class Open:
    """What this process has counted of a subject in a minute. `rest`: what of it is not known to be written; `process`:
    the name under which it is."""

    __slots__ = ("process", "rest", "sent", "total")

    def __init__(self, process: str) -> None:
        self.process = process
        self.total: Figures = {}
        self.rest: Figures = {}
        self.sent: Figures = {}

    def add(self, figures: Figures) -> None:
        add_figures(self.total, figures)
        add_figures(self.rest, figures)

    def sends(self) -> None:
        """All of it is being written."""
        self.sent, self.rest = self.rest, {}

    def failed(self) -> None:
        """It was not, or nobody knows."""
        sent, self.sent = self.sent, {}
        add_figures(sent, self.rest)
        self.rest = sent


class Flushing:
    """Writes what the taps of a process count. `process`: its name, which no other one ever had."""

    def __init__(self, taps: Taps, ledger: Ledger, process: str, clock: Clock) -> None:
        self._taps = taps
        self._ledger = ledger
        self._minutes = ledger.minutes
        self._process = process
        self.also: Callable[[], Awaitable[None]] | None = None  # writes something else that was counted
        self._clock = clock
        self._open: dict[tuple[Subject, int], Open] = {}
        self._noted: dict[Subject, float] = {}  # those that were seen to be listed, and when
        self._closed = 0  # the last minute of which something was written for the last time
        self._returns = 0  # how often the clock was set back behind that
        self._is_told = False
        self._writing = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Flush from now on, in a running event loop."""
        self._tasks = [asyncio.create_task(self._turn_minutes()), asyncio.create_task(self._flush_on())]

    async def close(self) -> None:
        """Write what is there, and no more from now on."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.flush()

    async def flush(self) -> None:
        """Write what was counted up to now."""
        await self.gather()
        async with self._writing:
            self._carry_late()
            for others in (False, True):  # for whom there is no room is counted of them
                waiting = iter([at for at, each in self._open.items() if each.rest and (at[0] == OTHERS) is others])
                while some := list(islice(waiting, AT_ONCE)):
                    if not await self._write(some):
                        break
            self._let_go()
        if self.also is not None:
            try:
                await self.also()
            except Exception as fault:
                self._tell(fault)

    async def gather(self) -> None:
        """Take what was counted up to now: at the end of a minute, so that it is told as of that."""
        self._taps.turn()
        count = 0
        while (taken := self._taps.take()) is not None:
            self.accept(taken)
            count += 1
            if count % AT_ONCE == 0:
                await asyncio.sleep(0)

    def accept(self, taken: Taken) -> None:
        """Add what was counted, here or by a process that does not write by itself."""
        subject, minute, figures = taken
        if figures:
            self._of(subject, minute).add(figures)

    def _of(self, subject: Subject, minute: int) -> Open:
        found = self._open.get((subject, minute))
        if found is not None:
            return found
        if len(self._open) >= OPEN_MAX:
            found = next((each for (whose, _), each in self._open.items() if whose == subject), None)
            if found is not None:
                return found
            if subject != OTHERS:
                return self._of(OTHERS, minute)
        if minute <= self._closed:  # it was written already, and is written under another name beside that
            self._returns += 1
            self._closed = 0
        name = f"{self._process}.{self._returns}" if self._returns else self._process
        made = self._open[subject, minute] = Open(name)
        return made

    async def _write(self, places: list[tuple[Subject, int]]) -> bool:
        """Whether the store took it."""
        try:
            places = [place for place in places if await self._is_listed(*place)]
        except Exception as fault:
            self._tell(fault)
            return False
        some = [self._open[place] for place in places]
        counted = [Counted(*place, each.process, each.total) for place, each in zip(places, some, strict=True)]
        for each in some:
            each.sends()
        try:
            await self._ledger.put(counted)
        except Exception as fault:
            for each in some:
                each.failed()
            self._tell(fault)
            return False
        except BaseException:
            for each in some:
                each.failed()
            raise
        self._tell(None)
        return True

    async def _is_listed(self, subject: Subject, minute: int) -> bool:
        """False where it can't be listed: what was counted of it is then of all others, to be written later. Whether it
        is listed is looked at again before the keeper may have found that it is gone, and nothing came of it since."""
        now = self._clock.now()
        if abs(now - self._noted.get(subject, -inf)) < self._minutes.late_seconds:
            return True
        if not await self._ledger.note(subject, now):
            self._of(OTHERS, minute).add(self._open.pop((subject, minute)).rest)
            return False
        if len(self._noted) >= OPEN_MAX:
            self._noted.clear()
        self._noted[subject] = now
        return True

    def _carry_late(self) -> None:
        """What could not be written of minutes that are folded before long is told as of now."""
        now = self._clock.now()
        late = now - self._minutes.late_seconds
        for subject, minute in [place for place in self._open if place[1] < late]:
            rest = self._open.pop((subject, minute)).rest
            if rest:
                self._of(subject, self._minutes.start(now)).add(rest)

    def _let_go(self) -> None:
        """Forget the minutes that are over, and written."""
        over = self._clock.now() - self._minutes.seconds
        for place in [place for place, each in self._open.items() if place[1] <= over and not each.rest]:
            self._closed = max(self._closed, place[1])
            del self._open[place]

    def _tell(self, fault: Exception | None) -> None:
        """Say once that the store takes nothing, and once that it does again."""
        if fault is not None and not self._is_told:
            log.error("what was used can't be written; it is counted on", exc_info=fault)
        elif fault is None and self._is_told:
            log.info("what was used is written again")
        self._is_told = fault is not None

    async def _turn_minutes(self) -> None:
        """Take what was counted at the end of each minute."""
        while True:
            now = self._clock.now()
            await asyncio.sleep(self._minutes.start(now) + self._minutes.seconds - now)
            await self._try(self.gather())

    async def _flush_on(self) -> None:
        while True:
            await asyncio.sleep(self._minutes.flush_seconds)
            await self._try(self.flush())

    async def _try(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception:  # whatever it is: what is counted later is to be written all the same
            log.exception("what was used can't be gathered")
