"""What a write that took effect owes to other partitions is done, and its updates are answered."""

import asyncio

from statordb.engine.cassandra.cql.patience import in_the_end
from statordb.engine.cassandra.owed.journal import Entry
from statordb.engine.cassandra.owed.owed import Owed
from statordb.engine.cassandra.owed.relay import RELAY_SECONDS, TELL_SECONDS
from statordb.engine.cassandra.single.means import Means
from statordb.engine.cassandra.single.turn import Turn
from statordb.engine.contract import OutcomeUnknown

SETTLE_SECONDS = 0.1  # between two tries at what is owed


class Delivery:
    """Of one turn, whose first version is `first`. The entry of the journal is this one's from here on."""

    def __init__(self, means: Means, turn: Turn, first: int, owed: Owed, entry: Entry) -> None:
        self._means = means
        self._turn = turn
        self._first = first
        self._owed = owed
        self._entry = entry

    async def run(self) -> None:
        """Do what is owed, and answer; late, but not never, where Cassandra is slow. What stops it before the end
        leaves the entry open, and so the pending row to be found by others."""
        turn, relay = self._turn, self._means.relay
        loop = asyncio.get_running_loop()
        timers = [loop.call_later(RELAY_SECONDS, _answer_early, turn)]
        if self._owed.announce:
            timers.append(loop.call_later(TELL_SECONDS, _give_up_telling, turn))
            turn.end()  # the announcement waits for those that have not ended
        with self._entry:
            try:
                await in_the_end(lambda: relay.deliver(self._first, self._owed), SETTLE_SECONDS)
            except BaseException:
                _answer_early(turn)  # the process ends; what was written is written
                _give_up_telling(turn)
                raise
            finally:
                for timer in timers:
                    timer.cancel()
            self._entry.settle()
            answer(turn)
            turn.end()
            await in_the_end(lambda: relay.forget(turn.table, turn.partition, self._first), SETTLE_SECONDS)
            self._entry.at_stake = False


def answer(turn: Turn) -> None:
    for update in turn.updates:
        update.finish()


def _answer_early(turn: Turn) -> None:
    """Answer those of which the processes need not be told."""
    for update in turn.updates:
        if not update.announces:
            update.finish()


def _give_up_telling(turn: Turn) -> None:
    for update in turn.updates:
        if update.announces:
            update.fail(OutcomeUnknown("the update has happened, but not all processes could be told yet"))
