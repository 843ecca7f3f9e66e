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
from collections.abc import Awaitable, Callable, Iterable

from statordb.engine.cassandra.cluster import pulses, slots
from statordb.engine.cassandra.cluster.burials import Burials, Recoverer
from statordb.engine.cassandra.cluster.clock import Clock
from statordb.engine.cassandra.cluster.clocks import Clocks
from statordb.engine.cassandra.cluster.deaths import Deaths
from statordb.engine.cassandra.cluster.epochs import Epochs
from statordb.engine.cassandra.cluster.lease import Lease
from statordb.engine.cassandra.cluster.pulses import CONDEMNED, Pulse, Sight, Who
from statordb.engine.cassandra.cluster.rounds import Rounds
from statordb.engine.cassandra.cluster.times import TIMES, Times
from statordb.engine.cassandra.cluster.watermark import Watermark
from statordb.engine.cassandra.cql.session import QUORUM, SERIAL, Session, Unreachable

FAULT_SECONDS = 1.0  # before what failed unexpectedly is tried again

log = logging.getLogger(__name__)


class Membership:
    """Use `watch` and `recover_by` before `join`. `incarnation` and `term` change when the process begins anew.

    `sight`: the last look at the others; `lost`: not, or no longer, among the living.
    """

    def __init__(self, session: Session, clock: Clock, times: Times = TIMES) -> None:
        self.term = 0
        self.incarnation = secrets.token_bytes(16)
        self.sight = Sight(float("-inf"), float("-inf"), [])
        self.lost = True
        self._session = session
        self._clock = clock
        self._times = times
        self._write = Rounds(self._write_pulse)
        self._look = Rounds(self._look_around)
        self._wake = asyncio.Event()
        self.tell: Callable[[], Awaitable[None]] = self._write.run
        self.look: Callable[[], Awaitable[Sight]] = self._look.run
        self.hurry: Callable[[], None] = self._wake.set
        self.clocks = Clocks(session, clock, times.clock)
        self._epochs = Epochs(session, self.look, self.hurry, times.pause)
        self._lease = Lease(times.lease, self._check)
        self._watermark = Watermark(self, clock, times)
        self._deaths = Deaths(times.still)
        self._burials: Burials | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._condemned = False  # found so: the row's low stays until what was owed is there
        self._adopted = False
        self.watch = self._watermark.watch
        self.valid = self._lease.valid
        self.ensure_valid = self._lease.ensure_valid
        self.watermark = self._watermark.read
        self.watermark_seconds = self._watermark.seconds_behind
        self.unpark = self._watermark.unpark
        self.settled = self._watermark.settled
        self.on_epoch = self._epochs.on_change  # called whenever a new epoch has been adopted
        self.begin_guarded = self._epochs.begin  # an update that goes by cached rows; hand the number to `end_guarded`
        self.end_guarded = self._epochs.end
        self.raise_epoch = self._epochs.raise_epoch
        self.announce = self._epochs.announce
        self.announced = self._epochs.announced

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
        await self._epochs.finish()
        await self.clocks.finish()
        self._lease.end()
        if self.lost or self._watermark.lowest() is not None or self._epochs.busy:
            return  # a write may still be under way: nobody may take this process for ended before its lease is over
        try:
            await pulses.bury(self._session, self.who, await self._watermark.end())
            await slots.free(self._session, self.who, slots.HELD)
        except Unreachable:
            return  # the others find the beat standing still

    @property
    def who(self) -> Who:
        return self._clock.slot, self.incarnation

    @property
    def parked(self) -> bool:
        """Whether `unpark` must be called before anything is owed."""
        return self._watermark.parked

    @property
    def epoch(self) -> int:
        return self._epochs.current

    def recovery_metrics(self) -> dict[str, float]:
        """See `Burials.metrics`."""
        return {} if self._burials is None else self._burials.metrics()

    # Telling, and looking at the others

    async def _enter(self) -> None:
        """Take a number and renew the lease. What was begun when it failed is recovered by others."""
        incarnation = secrets.token_bytes(16) if self.term else self.incarnation
        slot = await slots.claim(self._session, incarnation)
        seen = await pulses.read(self._session)
        self.term += 1
        self.incarnation, self._clock.slot = incarnation, slot
        self._condemned = False
        self._clock.pass_by(pulses.highest(seen))
        self._watermark.begin(pulses.highest(seen))
        self._lease.begin()
        self._adopted = False
        await self._write.run()
        for pulse in seen:
            if pulse.slot == slot and pulse.incarnation != incarnation:
                await pulses.erase(self._session, pulse.who)
        # Only now: who is not seen after the epoch was raised must go by the new one.
        self._epochs.adopt(await self._epochs.read(SERIAL))
        self._adopted, self.lost = True, False
        await self._write.run()
        await self._look.run()

    def _lose(self) -> None:
        """The others have taken this process for dead."""
        self.lost = self._condemned = True
        self._lease.end()
        self._watermark.lose()

    def _check(self) -> None:
        """Raises what has ended the telling."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def _live(self) -> None:
        """Tell, look, and see to the dead, again and again."""
        while True:
            await asyncio.sleep(self._times.tick)
            try:
                if self.lost:
                    await self._enter()
                self._watermark.park_if_idle()
                await self._write.run()
                sight = await self._look.run()
                self._epochs.adopt(await self._epochs.read(QUORUM))
                if self._burials is not None:
                    await self._burials.look_after(sight, self.who)
                await self.clocks.watch()
            except Unreachable:
                continue  # the lease runs out meanwhile
            except Exception:  # whatever it is, the lease must not end for good
                log.exception("the others could not be told that this process is alive")
                await asyncio.sleep(FAULT_SECONDS)

    async def ended(self, incarnations: Iterable[bytes]) -> set[bytes]:
        """Which of these have ended, and owe nothing any more. They must have begun before this is called. Raises
        Unreachable."""
        sight = await self.look()
        held = await slots.held(self._session)
        living = {pulse.incarnation for pulse in sight.pulses if not pulse.ended}
        return set(incarnations) - living - {incarnation for _, incarnation in held}

    async def _hurry(self) -> None:
        """Tell at once what others wait for."""
        while True:
            await self._wake.wait()
            if self._watermark.told_parked or not self._is_asked():
                self._wake.clear()
            try:
                await self._write.run()
            except Exception:  # `_live` does the same, and tells of what it does not expect
                self._wake.set()
            await asyncio.sleep(self._times.told)

    def _is_asked(self) -> bool:
        """Whether another process reads logs."""
        return any(pulse.wants and pulse.beat != CONDEMNED and pulse.who != self.who for pulse in self.sight.pulses)

    async def _write_pulse(self) -> None:
        if self._condemned:
            return  # the journal is others' by now, so that nothing is known of the low
        term = self.term
        beat = self._lease.send()
        low, top, floor = self._watermark.told()
        adopted = self._epochs.settled if self._adopted else 0
        await pulses.write(self._session, Pulse(*self.who, beat, low, top, adopted, self._watermark.wants()))
        if term == self.term:
            self._lease.acknowledged = beat
            self._watermark.acknowledged(floor)

    async def _look_around(self) -> Sight:
        term, begun, known = self.term, time.monotonic(), self._lease.acknowledged
        seen = await pulses.read(self._session)
        self.sight = Sight(begun, time.monotonic(), seen)
        self._clock.pass_by(pulses.highest(seen))  # a clock that is behind would hold back all readers
        if not self._watermark.told_parked and self._is_asked():
            self._wake.set()
        if known and term == self.term and not self.lost:
            beat = next((pulse.beat for pulse in seen if pulse.who == self.who), CONDEMNED)
            if beat == CONDEMNED:
                self._lose()
            else:
                self._lease.read_back(beat)
        return self.sight
