"""This process among those that share the cluster: its number, its lease, the epoch, the watermark of the logs.

Lease. A process may write what owes something while its lease is valid: for `Times.lease` seconds since it sent the
last pulse that it has read back. Who sees a beat stand still for `Times.still` seconds claims the dead process's
number, condemns its row, waits out the lease, and recovers what it owed. The process reads that it is condemned before
it could renew its lease, and begins anew under another number. So nobody recovers what somebody else may still add to.
Writes that were sent under a valid lease and arrive late are refused, since recovery gives their rows new versions.

Watermark: no sequence up to it will ever newly appear. A reader computes w by an earlier and a later reading of the
pulses, A and B, of which B began after A had ended (`pulses.watermark`).
* A process that is parked in B, and owes later, publishes a low after B began, and then reads all rows. It finds there
  at least what A found, and goes on above all of it; w is the lowest low in A, or the highest number in it.
* A process that A shows owing stays above the low it had then; one that only B shows owing, above its low in B.
* What the reader says of itself was acknowledged before B began.
* A dead process's row keeps its low until all that it owed is there; its top goes on to whoever has its number next.

Epoch. A process that joins tells of itself before it reads the epoch. So one that is not seen after the epoch was
raised goes by the new one.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from statordb.engine.cassandra.cluster import pulses, slots
from statordb.engine.cassandra.cluster.burials import Burials, Recoverer
from statordb.engine.cassandra.cluster.clock import Clock
from statordb.engine.cassandra.cluster.deaths import Deaths
from statordb.engine.cassandra.cluster.epochs import Epochs
from statordb.engine.cassandra.cluster.pulses import CONDEMNED, PARKED, Pulse, Sight, Who
from statordb.engine.cassandra.cluster.rounds import Rounds
from statordb.engine.cassandra.cql.session import QUORUM, SERIAL, Session, Unreachable

ENSURE_SECONDS = 5.0
FAULT_SECONDS = 1.0  # before what failed unexpectedly is tried again

log = logging.getLogger(__name__)


class Times(NamedTuple):
    """Seconds."""

    lease: float = 5.0
    still: float = 8.0
    margin: float = 0.5  # waited beyond the lease of another process
    tick: float = 0.25  # between two looks at the others
    pause: float = 0.02  # between two looks at what others are waited for to tell
    told: float = 0.1  # between two pulses of a process that owes, while others read logs
    wanted: float = 2.0  # a process that has read no log for so long tells that it does not
    linger: float = 2.0  # a process is parked when it has owed nothing for so long
    fresh: float = 0.05  # a reading of the pulses that is used for a watermark is at most so old
    moment: float = 0.1  # a watermark waits at most so long for others, that it may include what this process did


TIMES = Times()


class Owing(Protocol):
    """What this process owes."""

    def lowest(self) -> int | None:
        """A number below every sequence that may still be appended, None if nothing is owed."""
        ...

    def renew(self) -> None:
        """The process was taken for dead: what it owed is others' business."""
        ...

    async def end(self) -> None:
        """The process leaves, and owes nothing. Raises Unreachable."""
        ...


class Membership:
    """Use `watch` and `recover_by` before `join`. `incarnation` and `term` change when the process begins anew."""

    def __init__(self, session: Session, clock: Clock, times: Times = TIMES) -> None:
        self.term = 0
        self.incarnation = secrets.token_bytes(16)
        self._session = session
        self._clock = clock
        self._times = times
        self._epochs = Epochs(session)
        self._deaths = Deaths(times.still)
        self._owing: Owing | None = None
        self._burials: Burials | None = None
        self._write = Rounds(self._write_pulse)
        self._look = Rounds(self._look_around)
        self._unparks = Rounds(self._unpark)
        self._tasks: list[asyncio.Task[None]] = []
        self._wake = asyncio.Event()
        self._sight = Sight(float("-inf"), float("-inf"), [])
        self._lost = True  # not, or no longer, among the living
        self._condemned = False  # found so: the row's low stays until what was owed is there
        self._valid_until = float("-inf")
        self._renewed = asyncio.Event()
        self._beat = 0
        self._acknowledged = 0  # the highest beat that was
        self._sent: dict[int, float] = {}  # when the pulses were sent that have not been read back
        self._adopted = False
        self._parked = True  # what the pulses say
        self._open = False  # updates that owe may go on
        self._top = 0
        self._floor = 0  # acknowledged to be below all that this process may still append
        self._done = 0  # above all that this process has appended
        self._owed_at = float("-inf")
        self._read_at = float("-inf")
        self._mark = 0

    def watch(self, owing: Owing) -> None:
        self._owing = owing

    def recover_by(self, recoverer: Recoverer) -> None:
        times = self._times
        self._burials = Burials(
            self._session, self._clock, self._deaths, recoverer, times.still, times.lease + times.margin
        )

    async def join(self) -> None:
        """Take a number and begin to tell of this process. Raises Unreachable."""
        await self._enter()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._live()), loop.create_task(self._hurry())]

    async def leave(self) -> None:
        """End in order, so that the others need not wait for a dead process. Where that fails, or something is still
        owed, they recover it as one."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._burials is not None:
            await self._burials.stop()
        await self._write.finish()
        await self._look.finish()
        self._valid_until = float("-inf")
        if self._lost or self._lowest() is not None or self._epochs.busy:
            return  # a write may still be under way: nobody may take this process for ended before its lease is over
        try:
            if self._owing is not None:
                await self._owing.end()
            await pulses.bury(self._session, self._who, max(self._top, self._clock.bound()))
            await slots.free(self._session, self._who, slots.HELD)
        except Unreachable:
            return  # the others find the beat standing still

    # The lease

    def valid(self) -> bool:
        return time.monotonic() < self._valid_until

    async def ensure_valid(self, seconds: float = ENSURE_SECONDS) -> None:
        """Wait for a valid lease, in a task. Raises Unreachable after so many seconds."""
        deadline = time.monotonic() + seconds
        while not self.valid():
            for task in self._tasks:
                if task.done():
                    task.result()  # raises what ended it
            try:
                async with asyncio.timeout(max(deadline - time.monotonic(), 0)):
                    await self._renewed.wait()
            except TimeoutError:
                raise Unreachable("this process could not tell the others that it is alive") from None

    # The epoch

    @property
    def epoch(self) -> int:
        return self._epochs.current

    def on_epoch(self, callback: Callable[[], None]) -> None:
        """Called whenever a new epoch has been adopted."""
        self._epochs.on_change(callback)

    def begin_guarded(self) -> int:
        """An update that goes by cached rows begins; hand what this returns to `end_guarded`."""
        return self._epochs.begin()

    def end_guarded(self, token: int) -> None:
        if self._epochs.end(token):
            self._wake.set()

    async def raise_epoch(self) -> int:
        """An epoch that is newer than any before; everybody will adopt it. Raises Unreachable."""
        epoch = await self._epochs.raised()
        self._adopt(epoch)
        return epoch

    async def announce(self) -> None:
        """Raise the epoch; returns when all guarded updates, of every process, that began before have ended. Those of
        a dead process have when it is recovered.

        So an update that announces must not be one of them, and no recovery may wait for this. Raises Unreachable.
        """
        epoch = await self.raise_epoch()
        while True:
            sight = await self._look.run()
            if all(pulse.adopted >= epoch for pulse in sight.pulses):
                return
            await asyncio.sleep(self._times.pause)

    # The watermark

    async def watermark(self) -> int:
        """No sequence up to this one will ever newly appear in a log. Raises Unreachable.

        All that this process has appended is below, as far as others tell within a moment that they are past it, and
        but for what lies above something that this process still owes.
        """
        if not self._wants():
            self._wake.set()
        self._read_at = time.monotonic()
        done = self._done
        until = self._read_at + self._times.moment
        while True:
            if done > self._floor:
                await self._write.run()
            mark = await self._watermark()
            if mark >= done or self._lowest() is not None or time.monotonic() > until:
                return mark
            await asyncio.sleep(self._times.pause / 2)

    async def _watermark(self) -> int:
        earlier = self._sight
        if time.monotonic() - earlier.begun > self._times.fresh:
            earlier = await self._look.run()
        own, parked = self._floor, self._parked
        later = await self._look.run()
        self._mark = max(self._mark, pulses.watermark(earlier.pulses, later.pulses, self._who, own, parked))
        return self._mark

    def watermark_seconds(self) -> float:
        """How far behind readers of logs are kept by who owes something, or died and is not recovered; by the last
        look at the others."""
        lows = [pulse.low for pulse in self._sight.pulses if pulse.low != PARKED]
        return self._clock.age(min(lows)) if lows else 0.0

    def recovery_metrics(self) -> dict[str, float]:
        """How often a dead process could not be recovered here, and how much of what it owed was given up."""
        burials = self._burials
        return {
            "recovery_failures_total": 0 if burials is None else burials.failures_total,
            "set_aside_total": 0 if burials is None else burials.set_aside_total,
        }

    @property
    def parked(self) -> bool:
        """Whether `unpark` must be called before anything is owed."""
        return not self._open

    async def unpark(self) -> None:
        """Be above all that any reader may have been given. What this process is about to owe must have been noted, so
        that it is not parked again. Raises Unreachable."""
        while not self._open:
            await self._unparks.run()

    def settled(self) -> None:
        """Everything was appended that some update owed."""
        self._done = self._clock.bound()
        self._owed_at = time.monotonic()

    @property
    def _who(self) -> Who:
        return self._clock.slot, self.incarnation

    def _lowest(self) -> int | None:
        return None if self._owing is None else self._owing.lowest()

    async def _enter(self) -> None:
        """Take a number and renew the lease. What was begun when it failed is recovered by others."""
        incarnation = secrets.token_bytes(16) if self.term else self.incarnation
        slot = await slots.claim(self._session, incarnation)
        seen = await pulses.read(self._session)
        self.term += 1
        self.incarnation, self._clock.slot = incarnation, slot
        self._condemned = False
        self._clock.pass_by(pulses.highest(seen))
        self._top = max(self._top, pulses.highest(seen))
        self._beat = self._acknowledged = 0
        self._sent.clear()
        self._parked, self._open, self._adopted = True, False, False
        await self._write.run()
        for pulse in seen:
            if pulse.slot == slot and pulse.incarnation != incarnation:
                await pulses.erase(self._session, pulse.who)
        self._adopt(await self._epochs.read(SERIAL))
        self._adopted, self._lost = True, False
        await self._write.run()
        await self._look.run()

    def _lose(self) -> None:
        """The others have taken this process for dead."""
        self._lost = self._condemned = True
        self._open = False
        self._valid_until = float("-inf")
        if self._owing is not None:
            self._owing.renew()

    async def _live(self) -> None:
        """Tell, look, and see to the dead, again and again."""
        while True:
            await asyncio.sleep(self._times.tick)
            try:
                if self._lost:
                    await self._enter()
                self._park_if_idle()
                await self._write.run()
                sight = await self._look.run()
                self._adopt(await self._epochs.read(QUORUM))
                if self._burials is not None:
                    await self._burials.look_after(sight, self._who)
            except Unreachable:
                continue  # the lease runs out meanwhile
            except Exception:  # whatever it is, the lease must not end for good
                log.exception("the others could not be told that this process is alive")
                await asyncio.sleep(FAULT_SECONDS)

    async def _hurry(self) -> None:
        """Tell at once what others wait for."""
        while True:
            await self._wake.wait()
            if self._parked or not self._is_asked():
                self._wake.clear()
            try:
                await self._write.run()
            except Exception:  # `_live` does the same, and tells of what it does not expect
                self._wake.set()
            await asyncio.sleep(self._times.told)

    def _wants(self) -> bool:
        """Whether this process reads logs."""
        return time.monotonic() - self._read_at < self._times.wanted

    def _is_asked(self) -> bool:
        """Whether another one does."""
        return any(pulse.wants and pulse.beat != CONDEMNED and pulse.who != self._who for pulse in self._sight.pulses)

    def _adopt(self, epoch: int) -> None:
        if self._epochs.adopt(epoch):
            self._wake.set()

    def _park_if_idle(self) -> None:
        if self._parked or self._lowest() is not None or time.monotonic() - self._owed_at < self._times.linger:
            return
        self._parked, self._open = True, False
        self._top = self._clock.bound()

    async def _unpark(self) -> None:
        if self._open:
            return
        term = self.term
        self._parked = False
        self._owed_at = time.monotonic()
        self._wake.set()
        await self._write.run()
        await self._look.run()  # and pass by all that is found
        if self._lost or term != self.term:
            raise Unreachable("the others took this process for dead")
        self._open = not self._parked

    async def _write_pulse(self) -> None:
        if self._condemned:
            return  # the journal is others' by now, so that nothing is known of the low
        term = self.term
        self._beat = beat = self._beat + 1
        if self._parked:
            low, told = PARKED, self._top
        else:
            lowest = self._lowest()
            low = told = self._clock.bound() if lowest is None else lowest
        adopted = self._epochs.settled if self._adopted else 0
        self._sent[beat] = time.monotonic()
        pulse = Pulse(*self._who, beat, low, max(told, self._top), adopted, self._wants())
        await pulses.write(self._session, pulse)
        if term == self.term:
            self._acknowledged = beat
            self._floor = max(self._floor, told)

    async def _look_around(self) -> Sight:
        term, begun, known = self.term, time.monotonic(), self._acknowledged
        seen = await pulses.read(self._session)
        self._sight = Sight(begun, time.monotonic(), seen)
        self._clock.pass_by(pulses.highest(seen))  # a clock that is behind would hold back all readers
        if not self._parked and self._is_asked():
            self._wake.set()
        if known and term == self.term and not self._lost:
            self._confirm(next((pulse.beat for pulse in seen if pulse.who == self._who), CONDEMNED))
        return self._sight

    def _confirm(self, beat: int) -> None:
        """A reading has shown this beat of this process."""
        if beat == CONDEMNED:
            self._lose()
            return
        sent = self._sent.get(beat)
        if sent is None:
            return  # it was seen before
        self._valid_until = max(self._valid_until, sent + self._times.lease)
        for earlier in [known for known in self._sent if known < beat]:
            del self._sent[earlier]
        if self.valid():
            self._renewed.set()
            self._renewed = asyncio.Event()
