"""Updates within one partition: read, plan, one conditional write; then what is owed to other partitions.

Each partition that is being written has a queue. Its task takes updates that wait, plans them on the rows as one copy
has them (`planning`), and makes the effects durable in one conditional batch (`turn`, `write`), which asks whether the
rows are like that. A refused write gives back the rows that stand there, and the plans run again on those. What a write
owes elsewhere is relayed (`delivery`) while the partition goes on.
"""

import time

from statordb.engine.cassandra.cluster.clock import Clock
from statordb.engine.cassandra.cluster.membership import Membership
from statordb.engine.cassandra.cql.session import Session
from statordb.engine.cassandra.cql.tallies import Tallies
from statordb.engine.cassandra.owed.journal import Journal
from statordb.engine.cassandra.owed.relay import Relay
from statordb.engine.cassandra.single.means import Holders, Means, State
from statordb.engine.cassandra.single.planning import Planning
from statordb.engine.cassandra.single.turn import UPDATES_MAX, Update
from statordb.engine.cassandra.single.write import Hidden
from statordb.engine.contract import EngineClosed, OutcomeUnknown, Overloaded
from statordb.model.tasks import Tasks

QUEUE_UPDATES_MAX = 4096  # that wait for one partition: some sixty turns
WAITING_UPDATES_MAX = 50_000  # of all partitions together
FINISH_SECONDS = 10.0  # how long a closing process waits; what is owed then, others relay


class Writer:
    """The queues of a process, by partition, and the work that was begun for them."""

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
        self._tasks = Tasks()
        self._means = Means(session, clock, membership, journal, relay, tallies, holders, self._tasks.begin)
        self._queues: dict[tuple[str, bytes], list[Update]] = {}
        self._waiting = 0

    @property
    def commits_total(self) -> int:
        return self._means.commits_total

    @property
    def contended_total(self) -> int:
        return self._means.contended_total

    def submit(self, table: str, partition: bytes, update: Update) -> None:
        """Take an update; its `answer` comes when it is durable. Raises Overloaded."""
        queue = self._queues.get((table, partition))
        if self._waiting >= WAITING_UPDATES_MAX or (queue is not None and len(queue) >= QUEUE_UPDATES_MAX):
            raise Overloaded("too many updates wait")
        self._waiting += 1
        if queue is not None:
            queue.append(update)
            return
        self._queues[table, partition] = [update]
        self._tasks.begin(self._serve(table, partition))

    async def finish(self) -> None:
        """Wait for everything that was taken, and for what it owes, or for FINISH_SECONDS."""
        until = time.monotonic() + FINISH_SECONDS
        while len(self._tasks) and (left := until - time.monotonic()) > 0:
            await self._tasks.ended(left)
        # What they leave open in the journal must be known before this process says whether it owes anything.
        await self._tasks.close()

    async def _serve(self, table: str, partition: bytes) -> None:
        """Turn by turn, until nobody waits."""
        queue = self._queues[table, partition]
        known: State = {}
        try:
            while queue:
                updates, queue[:UPDATES_MAX] = queue[:UPDATES_MAX], []
                self._waiting -= len(updates)
                planning = Planning(self._means, table, partition, updates, known)
                try:
                    known = await planning.run()
                except Exception as error:  # of whatever kind: nobody may wait for ever
                    known = {}
                    _fail(planning.updates, error)
                except BaseException:
                    # Cancelled: the process ends, and nobody may be told that nothing was written.
                    _fail(planning.updates, OutcomeUnknown("the process ended"))
                    _fail(planning.left, EngineClosed("the engine is closed"))
                    raise
                queue[:0] = planning.left
                self._waiting += len(planning.left)
        finally:
            self._waiting -= len(queue)
            _fail(queue, EngineClosed("the engine is closed"))
            del self._queues[table, partition]


def _fail(updates: list[Update], error: BaseException) -> None:
    for update in updates:
        update.fail(error)
        if isinstance(error, Hidden) or not isinstance(error, OutcomeUnknown):
            update.end()  # else it is still pursued, or others must take it for unfinished
