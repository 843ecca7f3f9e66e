"""Some updates of a partition, planned on its rows until one write makes their effects durable."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import ExitStack

from statordb.engine.cassandra.cql import rows
from statordb.engine.cassandra.cql.rows import Found, Spot
from statordb.engine.cassandra.cql.session import ONE, QUORUM
from statordb.engine.cassandra.owed.journal import Entry, Noted
from statordb.engine.cassandra.single.delivery import answer
from statordb.engine.cassandra.single.means import Means, State
from statordb.engine.cassandra.single.turn import Turn, Update, missing
from statordb.engine.cassandra.single.write import Write, check_term
from statordb.engine.contract import Conflict, Overloaded

CONTENTION_SECONDS = 10.0  # how long updates are planned again because others were faster
CONFLICT_SECONDS = 1.0  # how long they wait for a transaction to let go of their rows
OWED_MAX = 20_000  # updates that owe something at once, which are kept in memory
SLICE_SECONDS = 0.002  # of plans, after which other work of the process goes on


class Planning:
    """`updates`: those that one write takes, but for who was told that his rows are held; `left`: the others, which
    come next.

    The rows are only guessed at first: known from our own last write, or read from one copy. That will do for a plan
    whose write asks whether they are so, but not for an answer that rests on them alone, nor to wait for a mark.
    """

    def __init__(self, means: Means, table: str, partition: bytes, updates: list[Update], known: State) -> None:
        wanted = {spot for update in updates for spot in update.spots}
        self.updates = updates
        self.left: list[Update] = []
        self._means = means
        self._table = table
        self._partition = partition
        self._known = {spot: found for spot, found in known.items() if spot in wanted}
        self._guessed = True
        self._entry: Entry | None = None
        self._entries = ExitStack()  # of the journal: closed when this is over, but for what is at stake then

    async def run(self) -> State:
        """Returns the rows as they are then. Raises OutcomeUnknown, Unreachable (nothing was written), Missing,
        Overloaded."""
        with self._entries:
            await self._learn()
            return await self._contend()

    async def _contend(self) -> State:
        give_up = time.monotonic() + CONTENTION_SECONDS
        attempt = 0
        while True:
            turn = await self._planned()
            if not turn.wrote:
                answer(turn)
                turn.end()
                return self._known
            write = await self._ready(turn)
            refused = await write.send()
            if refused is None:
                return turn.after(write.first)
            self._known.update(refused)
            self._guessed = False
            self._means.contended_total += 1
            attempt += 1
            if time.monotonic() > give_up:
                raise Overloaded("the rows are written by others all the time")
            if attempt > 2:
                await asyncio.sleep(random.random() * min(0.005 * 2**attempt, 0.2))

    async def _learn(self) -> None:
        """Guess how the rows stand that are not known; where updates owed something lately, note them meanwhile."""
        noting = self._means.start(self._open()) if self._table in self._means.owing else None
        try:
            await self._read(missing(self.updates, self._known), ONE)
        finally:
            if noting is not None:
                self._entry = self._entries.enter_context(await noting)

    async def _planned(self) -> Turn:
        """A turn, of which what is answered without a write rests on what a majority has."""
        while True:
            await self._wait_for_holders()
            turn = Turn(self._table, self._partition, self._known)
            await self._run_plans(turn)
            taken = len(turn.updates)
            if taken < len(self.updates):
                self.left[:0] = self.updates[taken:]
                del self.updates[taken:]
            if turn.wrote == taken or not self._guessed:
                return turn
            await self._be_sure()

    async def _run_plans(self, turn: Turn) -> None:
        """In slices: plans may be long, and other partitions, and reads, have their turns between them."""
        until = time.monotonic() + SLICE_SECONDS
        for update in self.updates:
            if not turn.take(update):
                return
            if time.monotonic() > until:
                await asyncio.sleep(0)
                until = time.monotonic() + SLICE_SECONDS

    async def _wait_for_holders(self) -> None:
        """Wait for transactions to let go of rows; those who wait too long are told, and leave."""
        if not self._marks():
            return
        if self._guessed:
            await self._be_sure()
        deadline = time.monotonic() + CONFLICT_SECONDS
        while marks := self._marks():
            for mark in marks:
                if self._means.holders.is_old(mark):
                    spots = tuple(spot for spot, found in self._known.items() if found.mark == mark)
                    await self._means.holders.free(mark, (Noted(self._table, self._partition, spots),))
            if time.monotonic() > deadline:
                self._turn_away()
                return
            await asyncio.sleep(0.005 + random.random() * 0.02)
            await self._read(list(self._known))

    def _marks(self) -> set[bytes]:
        return {found.mark for found in self._known.values() if found.mark is not None}

    def _turn_away(self) -> None:
        """Tell those whose rows are held."""
        held = {spot for spot, found in self._known.items() if found.mark is not None}
        for update in [update for update in self.updates if not held.isdisjoint(update.spots)]:
            stuck = [key for key, spot in zip(update.footprint, update.spots, strict=True) if spot in held]
            update.fail(Conflict(stuck))
            update.end()
            self.updates.remove(update)
        for spot in held:
            del self._known[spot]

    async def _ready(self, turn: Turn) -> Write:
        """What has to be certain before a turn's write is sent: that others find what it will owe, and wait for it."""
        entry: Entry | None = None
        if turn.owes:
            self._means.owing.add(self._table)
            entry = await self._noted()
        if turn.guarded:
            await check_term(self._means, turn)
        return Write(self._means, turn, self._means.clock.next(turn.seen, turn.count), entry)

    async def _noted(self) -> Entry:
        """A journal entry that is valid: the one there is, or a new one, if this process was taken for dead since."""
        if self._entry is None or not self._entry.valid():
            self._entry = self._entries.enter_context(await self._open())
        return self._entry

    async def _open(self) -> Entry:
        if self._means.journal.pending >= OWED_MAX:
            raise Overloaded("too many updates owe something that can't be written")
        spots = {spot: None for update in self.updates for spot in update.spots if spot is not None}
        return await self._means.journal.open((Noted(self._table, self._partition, tuple(spots)),))

    async def _be_sure(self) -> None:
        await self._read(list(self._known))
        self._guessed = False

    async def _read(self, spots: Sequence[Spot], consistency: str = QUORUM) -> None:
        if spots:
            found: dict[Spot, Found] = await rows.read(
                self._means.session, self._table, self._partition, spots, consistency
            )
            self._known.update(found)
