"""A turn's conditional write, until its outcome is known.

A write whose outcome is unknown is resolved by what stands there at LOCAL_SERIAL: our version means done; an older one
that it did not expect means not done; the one it expected means that the same write may be sent again, which also keeps
the first from ever taking effect twice. No write that owes something, or goes by guards, is sent again once this
process may have been taken for dead.
"""

import asyncio
import logging
import random
import time

from statordb.engine.cassandra.cql import keys, rows
from statordb.engine.cassandra.cql.session import SERIAL, Missing, Unreachable, is_refusal
from statordb.engine.cassandra.owed.journal import Entry
from statordb.engine.cassandra.single.delivery import Delivery, answer
from statordb.engine.cassandra.single.means import Means, State
from statordb.engine.cassandra.single.turn import Turn
from statordb.engine.contract import OutcomeUnknown

RESOLVE_SECONDS = 8.0  # how long an unknown outcome is looked into before the client is told
PURSUE_SECONDS = 1.0  # between two looks after that; longer and longer where Cassandra refuses to tell
PURSUE_SECONDS_MAX = 30.0

log = logging.getLogger(__name__)


class Hidden(OutcomeUnknown):
    """The write is over, one way or the other, and nobody can tell which: others came after it."""


async def check_term(means: Means, turn: Turn) -> None:
    """Raises Unreachable if what the updates go by may have changed without waiting for them."""
    if not means.membership.valid():
        await means.membership.ensure_valid()
    if turn.is_over(means.membership.term):
        raise Unreachable("the others took this process for dead")


class Write:
    """One turn's. `first`: its first version. `entry`: of the journal, if it owes something."""

    def __init__(self, means: Means, turn: Turn, first: int, entry: Entry | None) -> None:
        self.first = first
        self._means = means
        self._turn = turn
        self._entry = entry
        self._owed = turn.owed(first)
        self._statements = turn.statements(first, self._owed)
        self._uncertain = False  # whether a try before may have taken effect, or still may

    async def send(self) -> State | None:
        """None: applied; else the rows that refused it.

        Raises OutcomeUnknown where it can't be known in time; it is then found out in the background, and what is owed
        is done. Whatever else ends this before the outcome is known leaves the entry open: others find it there.
        """
        deadline = time.monotonic() + RESOLVE_SECONDS
        self._stake(True)
        while True:
            try:
                if self._uncertain and not self._may_go_on():
                    raise Unreachable("others may take this process for dead")
                there = await self._try()
                break
            except Unreachable:
                self._uncertain = True
            except (Hidden, Missing):
                self._stake(False)  # it is over, or there is nothing that it could write to
                raise
            except Exception as fault:
                if not self._uncertain and is_refusal(fault):
                    self._stake(False)
                    raise
                log.exception("what became of a write is unknown")
                self._uncertain, deadline = True, 0.0
            if time.monotonic() > deadline:
                self._means.start(self._pursue())
                raise OutcomeUnknown("the write may or may not have happened")
            await asyncio.sleep(0.02 + random.random() * 0.1)
        if there is not None:
            self._stake(False)
            return there
        self._count()
        if self._entry is not None:
            self._means.start(Delivery(self._means, self._turn, self.first, self._owed, self._entry).run())
        else:
            answer(self._turn)
            self._turn.end()
        return None

    def _stake(self, at_stake: bool) -> None:
        if self._entry is not None:
            self._entry.at_stake = at_stake

    def _is_over(self) -> bool:
        """Whether the others took this process for dead since: they don't wait for the turn, and do what it owes."""
        term = self._means.membership.term
        return (self._entry is not None and self._entry.term != term) or self._turn.is_over(term)

    def _may_go_on(self) -> bool:
        """Whether it may be sent again."""
        if self._entry is None and not self._turn.guarded:
            return True
        return self._means.membership.valid() and not self._is_over()

    async def _try(self) -> State | None:
        """One try. None: applied, by this try or, if that is uncertain, by one before; else the rows that refused it.
        Raises Unreachable, Hidden."""
        turn = self._turn
        refused = await self._means.session.conditional(self._statements)
        if refused is None:
            return None
        there = rows.standing(turn.relied | turn.put.keys(), refused)
        if any(there[spot].version == turn.last(self.first) for spot in turn.put):
            return None
        if self._uncertain:
            if await self._applied(there):
                return None
            if all(found.version == turn.before[spot].version for spot, found in there.items()):
                raise Unreachable("a transaction holds the rows, after which an earlier try may still take effect")
        return there

    async def _applied(self, there: State) -> bool:
        """Whether an earlier try took effect, by the rows that refused it now, none of which is its own. Raises
        Hidden."""
        turn = self._turn
        if self._entry is not None:
            pending = keys.PENDING, self.first.to_bytes(8, "big")
            found = await rows.read_one(self._means.session, turn.table, turn.partition, pending, SERIAL)
            if found.body is not None:
                return True
            if self._entry.valid():
                return False  # nobody else has relayed and deleted it
        if any(found.version > turn.last(self.first) for found in there.values()):
            raise Hidden("another write came between, and hides whether this one happened")
        return False

    async def _pursue(self) -> None:
        """Find out what became of it, after its caller has been told that nobody knows, and do what it owes."""
        there: State | None = {}
        pause = PURSUE_SECONDS
        while not self._is_over():
            await asyncio.sleep(pause)
            if not self._may_go_on():
                continue
            try:
                there = await self._try()
                break
            except Unreachable:
                continue
            except (Hidden, Missing):
                break
            except Exception:  # not given up: as long as it may take effect, what it owes must not be forgotten
                log.exception("what became of a write can't be found out")
                pause = min(2 * pause, PURSUE_SECONDS_MAX)
        if there is None:
            self._count()
            if self._entry is not None:
                await Delivery(self._means, self._turn, self.first, self._owed, self._entry).run()
                return
        elif self._entry is not None:
            self._stake(False)
            self._entry.close()
        self._turn.end()

    def _count(self) -> None:
        self._means.commits_total += 1
        for tally in self._turn.tallies:
            self._means.tallies.add(*tally)
