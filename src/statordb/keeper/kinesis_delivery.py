"""Delivery of one table's changes to its Kinesis data stream: in order per item, at least once.

PutRecords may take a later record and refuse an earlier one of the same call. So a call never has two changes of one
item, and what was refused is sent again before anything later of its item. What Kinesis has taken is trimmed from the
feed, which is the only checkpoint.
"""

import asyncio
import logging
import re
from collections.abc import Sequence

from statordb.engine.contract import Budget, Change, Refused
from statordb.keeper.kinesis_records import MILLISECOND, Encoder, Entry, happened_at
from statordb.keeper.kinesis_sender import Sender, Unavailable
from statordb.model.limits import KINESIS_CALL_BYTES_MAX, KINESIS_CALL_RECORDS_MAX, KINESIS_RECORD_BYTES_MAX
from statordb.store import destinations
from statordb.store.destinations import SHARD
from statordb.store.records import DestinationRecord, TableRecord
from statordb.store.store import Store
from statordb.store.streams import RETENTION_SECONDS

WINDOW_RECORDS_MAX = 1000  # read from the feed and not yet taken by Kinesis
WINDOW_BYTES_MAX = 8 << 20
IDLE_SECONDS = 0.05
PAUSE_SECONDS_MIN = 0.1  # after a call that failed; it doubles
PAUSE_SECONDS_MAX = 5.0
TELL_SECONDS = 1.0  # failures are logged once the pause is as long: single refusals are part of the day
TRIM_SECONDS = 1.0  # a trim costs a transaction, so not every call has one
EXPIRE_SECONDS = 60.0  # between two looks for changes that waited too long
ENABLING_SECONDS_MAX = 60.0  # what AWS gives a stream that is not there
DISABLING_SECONDS_MAX = 30.0

ABSENT = "User does not have a permission to use kinesis stream"
ELSEWHERE = "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in the current region"
NOT_ACTIVE = "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in Active state"

_STREAM_ARN = re.compile(r"arn:aws[a-z-]*:kinesis:([^:/]+):[0-9]{12}:stream/[a-zA-Z0-9_.-]{1,128}")
_CHUNK = Budget(rows_max=KINESIS_CALL_RECORDS_MAX, bytes_max=2 << 20)
_SHARD = SHARD.encode()

log = logging.getLogger(__name__)


class Delivery:
    """What is sent to one destination, from its enabling to its end. `sender` None: there is no endpoint."""

    def __init__(self, store: Store, sender: Sender | None, table: TableRecord, destination: DestinationRecord) -> None:
        assert destination.feed is not None
        self._store = store
        self._sender = sender
        self._space = destination.feed.space
        self._encoder = Encoder(table, self._space)
        self._window: list[Entry] = []
        self._read = 0  # sequence number up to which the feed was read
        self._trimmed = 0
        self._trim_at = self._expire_at = 0.0
        self._pause = 0.0
        self._told = False
        self.table = table
        self.destination = destination

    async def run(self) -> None:
        """Deliver until the destination is over."""
        while self.destination.feed is not None:
            await asyncio.sleep(await self.turn())

    async def turn(self) -> float:
        """Do what the destination's status wants, at most one call; returns the seconds until the next turn."""
        status = self.destination.status
        if status == "ENABLING":
            return await self._look_for_stream()
        if status == "UPDATING":
            await self._move("updated")
        pause = await self._deliver()
        if status == "DISABLING":
            late = self._store.clock.now() - self.destination.changed_at >= DISABLING_SECONDS_MAX
            if late or self._sender is None or (not self._window and not await self._waiting(self._read)):
                await self._drop()
        return pause

    async def _look_for_stream(self) -> float:
        """Enable the destination, if the data stream is there. Every failure is told by the status, as on AWS."""
        arn = self.destination.stream_arn
        named = _STREAM_ARN.fullmatch(arn)
        if named is None or named[1] != self.table.region:
            await self._move("failed", ABSENT if named is None else ELSEWHERE)
            return 0.0
        if self._sender is not None:
            try:
                status = await self._sender.status(arn)
            except Unavailable as fault:
                if self._store.clock.now() - self.destination.changed_at < ENABLING_SECONDS_MAX:
                    return self._failed(str(fault))
                await self._move("failed", NOT_ACTIVE)
                return 0.0
            if status not in ("ACTIVE", "UPDATING"):
                await self._move("failed", ABSENT)
                return 0.0
        await self._move("found")
        return 0.0

    async def _deliver(self) -> float:
        now = self._store.clock.now()
        if now >= self._expire_at:
            await self._expire(now - RETENTION_SECONDS)
            self._expire_at = now + EXPIRE_SECONDS
        if self._sender is None:
            return IDLE_SECONDS
        await self._fill()
        pause = await self._send(self._sender) if self._window else IDLE_SECONDS
        if now >= self._trim_at:
            await self._trim(self._done())
            self._trim_at = now + TRIM_SECONDS
        return pause

    async def _fill(self) -> None:
        """Read on in the feed, as long as the window has room."""
        size = sum([entry.size for entry in self._window])
        while len(self._window) < WINDOW_RECORDS_MAX and size < WINDOW_BYTES_MAX:
            found = await self._waiting(self._read)
            if not found:
                return
            precision = self.destination.precision or MILLISECOND
            entries = [self._encoder.encode(change, precision) for change in found]
            fitting = [entry for entry in entries if entry.size <= KINESIS_RECORD_BYTES_MAX]
            if len(fitting) < len(entries):  # AWS leaves them out as well
                self._warn("kinesis records are too large", records=len(entries) - len(fitting))
            self._window += fitting
            self._read = found[-1].sequence
            size += sum([entry.size for entry in fitting])

    async def _waiting(self, after: int) -> list[Change]:
        return await self._store.engine.log(self._space, _SHARD, after, _CHUNK)

    async def _send(self, sender: Sender) -> float:
        """One call; what was taken leaves the window."""
        call = next_call(self._window)
        try:
            codes = await sender.put(self.destination.stream_arn, call)
        except Unavailable as fault:
            return self._failed(str(fault))
        taken = {entry.sequence for entry, code in zip(call, codes, strict=True) if code is None}
        self._window = [entry for entry in self._window if entry.sequence not in taken]
        if taken:
            self._pause = 0.0
        if len(taken) < len(call):
            return self._failed(next(code for code in codes if code is not None))
        if self._told:
            log.info("kinesis stream takes records again", extra=self._facts())
            self._told = False
        return 0.0

    def _failed(self, code: str) -> float:
        """Note a failure, once aloud if it lasts; returns the seconds to wait."""
        self._pause = min(max(self._pause * 2, PAUSE_SECONDS_MIN), PAUSE_SECONDS_MAX)
        if self._pause >= TELL_SECONDS and not self._told:
            self._warn("kinesis stream takes no records", code=code)
            self._told = True
        return self._pause

    def _done(self) -> int:
        """The sequence number up to which nothing has to be sent."""
        return self._window[0].sequence - 1 if self._window else self._read

    async def _trim(self, upto: int) -> None:
        if upto <= self._trimmed:
            return
        while await self._store.engine.trim(self._space, _SHARD, upto, KINESIS_CALL_RECORDS_MAX):
            pass
        self._trimmed = upto

    async def _expire(self, before: float) -> None:
        """Give up changes that happened before a moment."""
        await self._trim(self._done())
        unsent = {entry.sequence for entry in self._window}
        lost = 0
        while True:
            found = await self._waiting(self._trimmed)
            expired = [change for change in found if happened_at(change) < before]
            if not expired:
                break
            await self._trim(expired[-1].sequence)
            lost += sum([change.sequence > self._read or change.sequence in unsent for change in expired])
        self._read = max(self._read, self._trimmed)
        self._window = [entry for entry in self._window if entry.sequence > self._trimmed]
        if lost:
            self._warn("kinesis records waited too long", records=lost)

    async def _drop(self) -> None:
        """Disable the destination; what was not sent by now is lost."""
        if self._window or await self._waiting(self._read):
            self._warn("kinesis records are dropped with their destination")
        await self._move("drained")

    async def _move(self, event: str, description: str | None = None) -> None:
        """Tell the catalog of an event; nothing if the destination is no longer what it was."""
        table, arn, now = self.table, self.destination.stream_arn, self._store.clock.now()

        def change(record: TableRecord | None) -> TableRecord | Refused:
            current = None if record is None else destinations.find(record, arn)
            if record is None or current is None or current.feed is None or current.feed.space != self._space:
                return Refused(None)
            return destinations.moved(record, arn, event, now, description=description) or Refused(None)

        changed = await self._store.catalog.change(table.account, table.region, table.name, change)
        if isinstance(changed, TableRecord):
            self.table = changed
            self.destination = destinations.find(changed, arn) or self.destination

    def _warn(self, event: str, **facts: object) -> None:
        log.warning(event, extra={**self._facts(), **facts})

    def _facts(self) -> dict[str, object]:
        return {"table": self.table.name, "stream_arn": self.destination.stream_arn}


def next_call(window: Sequence[Entry]) -> list[Entry]:
    """What the next PutRecords is to have: of each item the earliest change that was not taken yet."""
    call: list[Entry] = []
    items: set[str] = set()
    size = 0
    for entry in window:
        if entry.partition_key in items:
            continue
        size += entry.size
        if size > KINESIS_CALL_BYTES_MAX:
            break
        items.add(entry.partition_key)
        call.append(entry)
        if len(call) == KINESIS_CALL_RECORDS_MAX:
            break
    return call
