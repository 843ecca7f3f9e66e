"""Delivery of one table's changes to its Kinesis data stream: in order per item, at least once.

The destination is a reader of the table's log: it reads the shards that were opened for it, parents before their
children. PutRecords may take a later record and refuse an earlier one of the same call. So a call never has two changes
of one item, and what was refused is sent again before anything later of its item.
"""

import asyncio
import logging
import re

from statordb.keeper.kinesis_calls import Calls
from statordb.keeper.kinesis_records import Encoder
from statordb.keeper.kinesis_sender import Sender, Unavailable
from statordb.keeper.kinesis_shard import IDLE_SECONDS, ShardDelivery
from statordb.store import destinations, readers
from statordb.store.catalog import Rows
from statordb.store.holds import Hold
from statordb.store.log import LogRecord, ShardRecord, before, readable
from statordb.store.records import DestinationRecord, TableRecord
from statordb.store.store import Store
from statordb.store.terms import Refused

ENABLING_SECONDS_MAX = 60.0  # what AWS gives a stream that is not there
DISABLING_SECONDS_MAX = 30.0  # without a record that is taken
LOOK_SECONDS = 0.5  # between two looks at the log's record, while the ends of shards are not known

ABSENT = "User does not have a permission to use kinesis stream"
ELSEWHERE = "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in the current region"
NOT_ACTIVE = "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in Active state"

_STREAM_ARN = re.compile(r"arn:aws[a-z-]*:kinesis:([^:/]+):[0-9]{12}:stream/[a-zA-Z0-9_.-]{1,128}")

log = logging.getLogger(__name__)


class KinesisDelivery:
    """What is sent to one destination, from its enabling to its end. `sender` None: there is no endpoint."""

    def __init__(self, store: Store, sender: Sender | None, table: TableRecord, destination: DestinationRecord) -> None:
        assert destination.reader is not None
        assert destination.log is not None
        self._store = store
        self._reader, self._space = destination.reader, destination.log
        self._calls = None
        self._began_at = store.clock.now()
        self._shards: dict[str, ShardDelivery] = {}  # those that are being sent, and those that were
        self._log: LogRecord | None = None
        self._look_at = 0.0
        self.stirred = True  # the log's record is to be read again
        self.table = table
        self.destination = destination
        if sender is not None:
            tap = store.taps.of_table(table.account, table.region, table.name, table.id)
            self._calls = Calls(sender, destination.stream_arn, store.clock, self._facts(), tap)

    async def run(self) -> None:
        """Deliver until the destination is over."""
        while self.destination.reader is not None:
            await asyncio.sleep(await self.turn())

    async def turn(self) -> float:
        """Do what the destination's status wants, at most one call for each shard; returns the seconds until the next
        turn."""
        status = self.destination.status
        if status == "ENABLING":
            return await self._look_for_stream()
        if status == "UPDATING":
            await self._move("updated")
        pause = await self._deliver()
        if status == "DISABLING":
            now = self._store.clock.now()
            taken_at = self._began_at if self._calls is None else self._calls.taken_at
            late = now - max(self.destination.changed_at, taken_at) >= DISABLING_SECONDS_MAX
            if late or self._calls is None or await self._is_complete():
                await self._drop()
        return pause

    async def _look_for_stream(self) -> float:
        """Enable the destination, if the data stream is there. Every failure is told by the status, as on AWS."""
        named = _STREAM_ARN.fullmatch(self.destination.stream_arn)
        if named is None or named[1] != self.table.region:
            await self._move("failed", ABSENT if named is None else ELSEWHERE)
            return 0.0
        if self._calls is not None:
            try:
                status = await self._calls.status()
            except Unavailable as fault:
                pause = self._calls.failed(fault.code, fault.reason)
                if self._store.clock.now() - self.destination.changed_at < ENABLING_SECONDS_MAX:
                    return pause
                self._calls.tell(fault.code, fault.reason)
                await self._move("failed", NOT_ACTIVE)
                return 0.0
            if status not in ("ACTIVE", "UPDATING"):
                await self._move("failed", ABSENT)
                return 0.0
        await self._move("found")
        return 0.0

    async def _deliver(self) -> float:
        """A turn of each shard that is to be read now. One whose call failed comes last in the next turn."""
        now = self._store.clock.now()
        pauses = [IDLE_SECONDS]
        for shard in await self._readable():
            delivery = self._shards[shard.id]
            pause = await delivery.turn(self._calls, shard, self.destination.precision, now)
            if pause > IDLE_SECONDS:
                self._shards[shard.id] = self._shards.pop(shard.id)
                return pause
            pauses.append(pause)
        return min(pauses)

    async def _readable(self) -> list[ShardRecord]:
        """The shards that there is something to do for, in the order of their turns: one is begun once all before it
        were read, whether all of these was sent or not."""
        shards = await self._known()
        read_up = {name for name, delivery in self._shards.items() if delivery.read_up}
        new = [shard for shard in readable(shards, read_up) if shard.id not in self._shards]
        if new:
            holds = (await self._store.holds.of(self._space)).get(self._reader, {})
            for shard in new:
                earlier = [self._shards[name] for name in before(shards, shard) if not self._shards[name].ended]
                encoder = Encoder(self.table, shard.space or self._space, shard.id)
                hold = holds.get(shard.id) or Hold(shard.trimmed)
                self._shards[shard.id] = ShardDelivery(
                    self._store, self.destination, shard, encoder, hold, earlier, self._warn
                )
        found = {shard.id: shard for shard in shards}
        return [found[name] for name, delivery in self._shards.items() if not delivery.ended]

    async def _known(self) -> list[ShardRecord]:
        """The shards of this destination. Read anew where something may have happened to them."""
        now = self._store.clock.now()
        if self.stirred or self._log is None or (not self._log.settled and now >= self._look_at):
            self.stirred, self._look_at = False, now + LOOK_SECONDS
            table = self.table
            self._log = await self._store.logs.find(table.account, table.region, table.name, self._space)
        if self._log is None:
            return []
        shards = self._log.shards_of(self._reader)
        known = {shard.id for shard in shards}
        self._shards = {name: delivery for name, delivery in self._shards.items() if name in known}
        return shards

    async def _is_complete(self) -> bool:
        """Whether all that was written for the destination before it was disabled was sent."""
        shards = await self._known()
        return all(shard.id in self._shards and self._shards[shard.id].ended for shard in shards)

    async def _drop(self) -> None:
        """Disable the destination; what was not sent by now is lost."""
        for shard in await self._known():
            delivery = self._shards.get(shard.id)
            if delivery is None or (not delivery.ended and await delivery.has_unsent()):
                self._warn("kinesis records are dropped with their destination")
                break
        await self._move("drained")

    async def _move(self, event: str, description: str | None = None) -> None:
        """Tell the catalog of an event; nothing if the destination is no longer what it was."""
        table, arn, now = self.table, self.destination.stream_arn, self._store.clock.now()

        def decide(rows: Rows) -> Rows | Refused:
            current = None if rows.table is None else destinations.find(rows.table, arn)
            if rows.table is None or current is None or current.reader != self._reader or current.log != self._space:
                return Refused(None)
            moved = destinations.moved(rows.table, arn, event, now, description=description)
            if moved is None:
                return Refused(None)
            return (
                readers.leave(rows._replace(table=moved), self._reader, now, self._store.stream_shards)
                if event == "failed"
                else Rows(moved, None, None)
            )

        changed = await readers.change(self._store, (table.account, table.region, table.name), table, decide)
        if isinstance(changed, TableRecord):
            self.table = changed
            self.destination = destinations.find(changed, arn) or self.destination

    def _warn(self, event: str, **facts: object) -> None:
        log.warning(event, extra={**self._facts(), **facts})

    def _facts(self) -> dict[str, object]:
        return {"table": self.table.name, "stream_arn": self.destination.stream_arn}
