"""Updates within one partition: read, plan, one conditional write; then what is owed to other partitions.

Each partition that is being written has a queue. Its task takes all updates that wait, runs their plans on the rows as
one copy has them, and makes the effects durable in one conditional batch (`turn.Turn`), which asks whether the rows are
like that. A refused write gives back the rows that stand there, and the plans run again on those. A write whose outcome
is unknown is resolved by what stands there at LOCAL_SERIAL: our version means done; an older one that it did not expect
means not done; the one it expected means that the same write may be sent again, which also keeps the first from ever
taking effect twice. No write that owes something, or goes by guards, is sent again once this process may have been
taken for dead.
"""

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from typing import Any, Protocol

from acsylla.errors import CassException

from statordb.engine.cassandra.cluster.clock import Clock
from statordb.engine.cassandra.cluster.membership import Membership
from statordb.engine.cassandra.cql import keys, rows
from statordb.engine.cassandra.cql.patience import in_the_end
from statordb.engine.cassandra.cql.rows import Found, Spot
from statordb.engine.cassandra.cql.session import ONE, QUORUM, SERIAL, Missing, Session, Statement, Unreachable
from statordb.engine.cassandra.cql.tallies import Tallies
from statordb.engine.cassandra.owed.journal import Entry, Journal, Noted
from statordb.engine.cassandra.owed.owed import Owed
from statordb.engine.cassandra.owed.relay import RELAY_SECONDS, TELL_SECONDS, Relay
from statordb.engine.cassandra.single.turn import UPDATES_MAX, Turn, Update, missing
from statordb.engine.contract import Conflict, OutcomeUnknown

CONTENTION_SECONDS = 10.0  # how long updates are planned again because others were faster
CONFLICT_SECONDS = 1.0  # how long they wait for a transaction to let go of their rows
RESOLVE_SECONDS = 8.0  # how long an unknown outcome is looked into before the client is told
OWED_MAX = 20_000  # updates that owe something at once, which are kept in memory
PURSUE_SECONDS = 1.0  # between two looks after that
SETTLE_SECONDS = 0.1  # between two tries at what is owed
FINISH_SECONDS = 10.0  # how long a closing process waits; what is owed then, others relay

State = dict[Spot, Found]
log = logging.getLogger(__name__)


class Hidden(OutcomeUnknown):
    """The write is over, one way or the other, and nobody can tell which: others came after it."""


class Holders(Protocol):
    """The transactions that hold rows."""

    def is_old(self, mark: bytes) -> bool:
        """Whether one holds rows for so long that it is to be resolved by whoever meets it."""
        ...

    async def free(self, mark: bytes, held: Sequence[Noted]) -> object:
        """Finish or undo one, so that it lets go of its rows. Raises Unreachable."""
        ...


class Writer:
    """Updates of single partitions, of one process."""

    def __init__(
        self,
        session: Session,
        clock: Clock,
        membership: Membership,
        journal: Journal,
        relay: Relay,
        tallies: Tallies,
        holders: Holders,
    ) -> None:
        self._session = session
        self._clock = clock
        self._membership = membership
        self._journal = journal
        self._relay = relay
        self._tallies = tallies
        self._holders = holders
        self._queues: dict[tuple[str, bytes], list[Update]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._owing: set[str] = set()  # tables whose updates owed something lately
        self.commits_total = self.contended_total = 0

    def submit(self, table: str, partition: bytes, update: Update) -> None:
        """Take an update; its `answer` comes when it is durable."""
        queue = self._queues.get((table, partition))
        if queue is not None:
            queue.append(update)
            return
        self._queues[table, partition] = [update]
        self._start(self._serve(table, partition))

    def _start(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finish(self) -> None:
        """Wait for everything that was taken, and for what it owes, or for FINISH_SECONDS."""
        until = time.monotonic() + FINISH_SECONDS
        while self._tasks and (left := until - time.monotonic()) > 0:
            await asyncio.wait(set(self._tasks), timeout=left)
        for task in self._tasks:
            task.cancel()

    async def _serve(self, table: str, partition: bytes) -> None:
        """Turn by turn, until nobody waits."""
        queue = self._queues[table, partition]
        known: State = {}
        try:
            while queue:
                updates, queue[:UPDATES_MAX] = queue[:UPDATES_MAX], []
                try:
                    known = await self._turns(table, partition, updates, known)
                except BaseException as error:  # of whatever kind: nobody may wait for ever
                    known = {}
                    for update in updates:
                        update.fail(error)
                        if isinstance(error, Hidden) or not isinstance(error, OutcomeUnknown):
                            update.end()  # else it is still pursued
        finally:
            del self._queues[table, partition]

    async def _turns(self, table: str, partition: bytes, updates: list[Update], known: State) -> State:
        """Run the plans of some updates until their effects are durable; returns the rows as they are then."""
        wanted = {spot for update in updates for spot in update.spots}
        known = {spot: found for spot, found in known.items() if spot in wanted}
        # Whether rows are only guessed: known from our own last write, or read from one copy. That will do for a plan
        # whose write asks whether they are so, but not for an answer that rests on them alone, nor to wait for a mark.
        guessed = True
        entry: Entry | None = None
        give_up = time.monotonic() + CONTENTION_SECONDS
        attempt = 0
        try:
            if table in self._owing:
                noting = self._start(self._open(_note(table, partition, updates)))
                try:
                    await self._learn(table, partition, updates, known)
                finally:
                    entry = await noting
            else:
                await self._learn(table, partition, updates, known)
            while True:
                if guessed and any(found.mark is not None for found in known.values()):
                    await self._read(table, partition, list(known), known)
                    guessed = False
                if await self._held(table, partition, updates, known):
                    guessed = False
                turn = Turn(table, partition, updates, known)
                if len(turn.updates) < len(updates):  # the others come next
                    self._queues[table, partition][:0] = updates[len(turn.updates) :]
                    del updates[len(turn.updates) :]
                if guessed and turn.wrote < len(updates):
                    await self._read(table, partition, list(known), known)
                    guessed = False
                    continue
                if not turn.wrote:
                    self._answer(turn)
                    turn.end()
                    return known
                if turn.owes:
                    self._owing.add(table)
                    entry = await self._noted(entry, _note(table, partition, updates))
                if turn.guarded:
                    await self._check_term(turn)
                first = self._clock.next(turn.seen, turn.count)
                owed = turn.owed(first)
                entry_of_turn, entry = (entry, None) if owed else (None, entry)
                refused = await self._write(turn, first, owed, entry_of_turn)
                if refused is None:
                    return turn.after(first)
                entry = entry_of_turn or entry
                known.update(refused)
                guessed = False
                self.contended_total += 1
                attempt += 1
                if time.monotonic() > give_up:
                    raise Unreachable("the rows are written by others all the time")
                if attempt > 2:
                    await asyncio.sleep(random.random() * min(0.005 * 2**attempt, 0.2))
        finally:
            if entry is not None:
                self._journal.close(entry)

    async def _check_term(self, turn: Turn) -> None:
        """Raises Unreachable if what the updates go by may have changed without waiting for them."""
        if not self._membership.valid():
            await self._membership.ensure_valid()
        if self._is_over(turn, None):
            raise Unreachable("the others took this process for dead")

    def _is_over(self, turn: Turn, entry: Entry | None) -> bool:
        """Whether the others took this process for dead since: they don't wait for the turn, and do what it owes."""
        term = self._membership.term
        return (entry is not None and entry.term != term) or any(
            update.term is not None and update.term != term for update in turn.updates
        )

    def _may_go_on(self, turn: Turn, entry: Entry | None) -> bool:
        """Whether a write may be sent again."""
        if entry is None and not turn.guarded:
            return True
        return self._membership.valid() and not self._is_over(turn, entry)

    async def _noted(self, entry: Entry | None, noted: tuple[Noted, ...]) -> Entry:
        """A journal entry that is valid: the one there is, or a new one, if this process was taken for dead since."""
        if entry is not None:
            if entry.valid():
                return entry
            self._journal.close(entry)
        return await self._open(noted)

    async def _open(self, noted: tuple[Noted, ...]) -> Entry:
        if self._journal.pending >= OWED_MAX:
            raise Unreachable("too many updates owe something that can't be written")
        return await self._journal.open(noted)

    async def _learn(self, table: str, partition: bytes, updates: Sequence[Update], known: State) -> None:
        """Guess how the rows stand that are not known."""
        await self._read(table, partition, missing(updates, known), known, ONE)

    async def _read(
        self, table: str, partition: bytes, spots: Sequence[Spot], into: State, consistency: str = QUORUM
    ) -> None:
        if spots:
            into.update(await rows.read(self._session, table, partition, spots, consistency))

    async def _held(self, table: str, partition: bytes, updates: list[Update], known: State) -> bool:
        """Wait for transactions to let go of rows; those who wait too long are told, and leave. Whether any was met."""
        deadline = time.monotonic() + CONFLICT_SECONDS
        met = False
        while marks := {found.mark for found in known.values() if found.mark is not None}:
            met = True
            for mark in marks:
                if self._holders.is_old(mark):
                    spots = tuple(spot for spot, found in known.items() if found.mark == mark)
                    await self._holders.free(mark, (Noted(table, partition, spots),))
            if time.monotonic() > deadline:
                held = {spot for spot, found in known.items() if found.mark is not None}
                for update in [update for update in updates if not held.isdisjoint(update.spots)]:
                    stuck = [key for key, spot in zip(update.footprint, update.spots, strict=True) if spot in held]
                    update.fail(Conflict(stuck))
                    update.end()
                    updates.remove(update)
                for spot in held:
                    del known[spot]
                return met
            await asyncio.sleep(0.005 + random.random() * 0.02)
            await self._read(table, partition, list(known), known)
        return met

    async def _write(self, turn: Turn, first: int, owed: Owed, entry: Entry | None) -> State | None:
        """Send a turn's write until its outcome is known. None: applied; else the rows that refused it.

        Raises OutcomeUnknown where it can't be known in time; what is owed is then looked after in the background.
        """
        statements = turn.statements(first, owed)
        deadline = time.monotonic() + RESOLVE_SECONDS
        uncertain = False
        while True:
            try:
                if uncertain and not self._may_go_on(turn, entry):
                    raise Unreachable("others may take this process for dead")
                there = await self._try(turn, statements, first, owed, entry, uncertain)
                break
            except Unreachable:
                uncertain = True
                if time.monotonic() > deadline:
                    self._start(self._pursue(turn, statements, first, owed, entry))
                    raise OutcomeUnknown("the write may or may not have happened") from None
            except BaseException:
                self._close(entry)
                raise
            await asyncio.sleep(0.02 + random.random() * 0.1)
        if there is not None:
            return there
        self._count(turn)
        if owed:
            self._start(self._settle(turn, first, owed, entry))
        else:
            self._answer(turn)
            turn.end()
        return None

    async def _try(
        self,
        turn: Turn,
        statements: list[Statement],
        first: int,
        owed: Owed,
        entry: Entry | None,
        uncertain: bool,
    ) -> State | None:
        """One try of a write. None: applied, by this try or, if that is `uncertain`, by one before; else the rows that
        refused it. Raises Unreachable, OutcomeUnknown."""
        refused = await self._session.conditional(statements)
        if refused is None:
            return None
        there = rows.standing(turn.relied | turn.put.keys(), refused)
        if any(there[spot].version == turn.last(first) for spot in turn.put):
            return None
        if uncertain:
            if await self._applied(turn, first, owed, entry, there):
                return None
            if all(found.version == turn.before[spot].version for spot, found in there.items()):
                raise Unreachable("a transaction holds the rows, after which an earlier try may still take effect")
        return there

    async def _pursue(
        self, turn: Turn, statements: list[Statement], first: int, owed: Owed, entry: Entry | None
    ) -> None:
        """Find out what became of a write whose caller has been told that nobody knows, and do what it owes."""
        there: State | None = {}
        while not self._is_over(turn, entry):
            await asyncio.sleep(PURSUE_SECONDS)
            if not self._may_go_on(turn, entry):
                continue
            try:
                there = await self._try(turn, statements, first, owed, entry, True)
                break
            except Unreachable:
                continue
            except (Hidden, Missing):
                break
            except CassException as fault:
                log.error("Cassandra refuses to tell what became of a write: %s", fault)
        if there is None:
            self._count(turn)
            await self._settle(turn, first, owed, entry)
        else:
            self._close(entry)
            turn.end()

    async def _applied(self, turn: Turn, first: int, owed: Owed, entry: Entry | None, there: State) -> bool:
        """Whether an earlier try of a write took effect, by the rows that refused it now, none of which is its own.
        Raises Hidden."""
        if owed:
            pending = keys.PENDING, first.to_bytes(8, "big")
            if (await rows.read_one(self._session, turn.table, turn.partition, pending, SERIAL)).body is not None:
                return True
            if entry is not None and entry.valid():
                return False  # nobody else has relayed and deleted it
        if any(found.version > turn.last(first) for found in there.values()):
            raise Hidden("another write came between, and hides whether this one happened")
        return False

    async def _settle(self, turn: Turn, first: int, owed: Owed, entry: Entry | None) -> None:
        """Do what a turn owes, and answer; late, but not never, where Cassandra is slow."""
        loop = asyncio.get_running_loop()
        timers = [loop.call_later(RELAY_SECONDS, self._answer_early, turn)]
        if owed.announce:
            timers.append(loop.call_later(TELL_SECONDS, self._give_up_telling, turn))
            turn.end()  # the announcement waits for those that have not ended
        await in_the_end(lambda: self._relay.deliver(first, owed), SETTLE_SECONDS)
        for timer in timers:
            timer.cancel()
        if entry is not None:
            self._journal.settle(entry)
        self._answer(turn)
        turn.end()
        await in_the_end(lambda: self._relay.forget(turn.table, turn.partition, first), SETTLE_SECONDS)
        self._close(entry)

    def _close(self, entry: Entry | None) -> None:
        if entry is not None:
            self._journal.close(entry)

    def _count(self, turn: Turn) -> None:
        self.commits_total += 1
        for tally in turn.tallies:
            self._tallies.add(*tally)

    def _answer(self, turn: Turn) -> None:
        for update in turn.updates:
            update.finish()

    def _answer_early(self, turn: Turn) -> None:
        """Answer those of which the processes need not be told."""
        for update in turn.updates:
            if not update.announces:
                update.finish()

    def _give_up_telling(self, turn: Turn) -> None:
        for update in turn.updates:
            if update.announces:
                update.fail(OutcomeUnknown("the update has happened, but not all processes could be told yet"))


def _note(table: str, partition: bytes, updates: Sequence[Update]) -> tuple[Noted, ...]:
    spots = {spot: None for update in updates for spot in update.spots if spot is not None}
    return (Noted(table, partition, tuple(spots)),)
