"""Delivery of one table's changes to its Kinesis data stream: in order per item, at least once.

PutRecords may take a later record and refuse an earlier one of the same call. So a call never has two changes of one
item, and what was refused is sent again before anything later of its item. What Kinesis has taken is trimmed from the
feed, which is the only checkpoint: up to the oldest change that was not taken.
"""

import asyncio
import logging
import re
from itertools import takewhile

from statordb.keeper.kinesis_records import MILLISECOND, Encoder, happened_at
from statordb.keeper.kinesis_sender import Sender, Unavailable
from statordb.keeper.kinesis_window import SendWindow
from statordb.model.limits import KINESIS_CALL_RECORDS_MAX
from statordb.store import destinations
from statordb.store.barrier import Barrier
from statordb.store.destinations import SHARD
from statordb.store.records import DestinationRecord, TableRecord
from statordb.store.store import Store
from statordb.store.streams import RETENTION_SECONDS
from statordb.store.terms import Budget, Change, Refused

READS_MAX = 50  # of the feed, before each call
READ_RECORDS_MAX = 100  # others run between two reads, and a record takes up to 0.1 ms
IDLE_SECONDS = 0.05
PAUSE_SECONDS_MIN = 0.1  # after a call that failed; it doubles
PAUSE_SECONDS_MAX = 5.0
TELL_SECONDS = 1.0  # failures are logged once the pause is as long: single refusals are part of the day
TRIM_SECONDS = 1.0  # a trim costs a transaction, so not every call has one
EXPIRE_SECONDS = 60.0  # between two looks for changes that waited too long
ENABLING_SECONDS_MAX = 60.0  # what AWS gives a stream that is not there
DISABLING_SECONDS_MAX = 30.0  # without a record that is taken

ABSENT = "User does not have a permission to use kinesis stream"
ELSEWHERE = "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in the current region"
NOT_ACTIVE = "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in Active state"

_STREAM_ARN = re.compile(r"arn:aws[a-z-]*:kinesis:([^:/]+):[0-9]{12}:stream/[a-zA-Z0-9_.-]{1,128}")
_CHUNK = Budget(rows_max=READ_RECORDS_MAX, bytes_max=256 << 10)
_ONE = Budget(rows_max=1, bytes_max=1)  # a budget's first row is given whatever its size
_SHARD = SHARD.encode()

log = logging.getLogger(__name__)


class KinesisDelivery:
    """What is sent to one destination, from its enabling to its end. `sender` None: there is no endpoint."""

    def __init__(self, store: Store, sender: Sender | None, table: TableRecord, destination: DestinationRecord) -> None:
        assert destination.feed is not None
        self._store = store
        self._sender = sender
        self._space = destination.feed.space
        self._window = SendWindow(Encoder(table, self._space))
        self._trimmed = 0
        self._taken_at = store.clock.now()  # the last record; before there is one, when this delivery began
        self._trim_at = self._expire_at = 0.0
        self._pause = 0.0
        self._told = False
        self._barrier: Barrier | None = None  # begun when the destination is being disabled
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
            now = self._store.clock.now()
            late = now - max(self.destination.changed_at, self._taken_at) >= DISABLING_SECONDS_MAX
            if late or self._sender is None or (await self._is_complete(now) and not await self._has_unsent()):
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
                pause = self._failed(fault.code, fault.reason)
                if self._store.clock.now() - self.destination.changed_at < ENABLING_SECONDS_MAX:
                    return pause
                self._tell(fault.code, fault.reason)
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
        at_end = await self._fill()
        if self._window:
            pause = await self._send(self._sender)
        else:
            pause = IDLE_SECONDS if at_end else 0.0
        if now >= self._trim_at:
            await self._trim(self._window.done())
            self._trim_at = now + TRIM_SECONDS
        return pause

    async def _fill(self) -> bool:
        """Read on in the feed as long as the window has room, what was passed over first as it is older. Returns
        whether there is no more to be read now."""
        window = self._window
        precision = self.destination.precision or MILLISECOND
        too_large = 0
        at_end = False
        for key in window.exhausted():
            while (sequence := window.next_passed(key)) is not None:
                found = await self._store.engine.log(self._space, _SHARD, sequence - 1, _ONE)
                if not found:  # the feed is gone with its table
                    return True
                too_large += window.recall(key, found[0], precision)
            await asyncio.sleep(0)
        for _ in range(READS_MAX):
            if not window.may_look_ahead():
                break
            found = await self._waiting(window.read)
            if not found:
                at_end = window.idle
                break
            too_large += window.look_ahead(found, precision)
            await asyncio.sleep(0)
        if too_large:
            self._warn("kinesis records are too large", records=too_large)
        return at_end

    async def _is_complete(self, now: float) -> bool:
        """Whether all that was written to the feed before the destination was disabled can be read."""
        self._barrier = self._barrier or Barrier(self._store.engine, self._space)
        return await self._barrier.is_passed(now)

    async def _has_unsent(self) -> bool:
        return not self._window.idle or bool(await self._waiting(self._window.read))

    async def _waiting(self, after: int) -> list[Change]:
        return await self._store.engine.log(self._space, _SHARD, after, _CHUNK)

    async def _send(self, sender: Sender) -> float:
        """One call; what was taken leaves the window."""
        call = self._window.next_call()
        try:
            codes = await sender.put(self.destination.stream_arn, call)
        except Unavailable as fault:
            return self._failed(fault.code, fault.reason)
        self._window.settle(call, [code is None for code in codes])
        if None in codes:
            self._pause = 0.0
            self._taken_at = self._store.clock.now()
        refusal = next((code for code in codes if code is not None), None)
        if refusal is not None:
            return self._failed(refusal)
        if self._told:
            log.info("kinesis stream takes records again", extra=self._facts())
            self._told = False
        return 0.0

    def _failed(self, code: str, reason: str = "") -> float:
        """Note a failure, once aloud if it lasts; returns the seconds to wait."""
        self._pause = min(max(self._pause * 2, PAUSE_SECONDS_MIN), PAUSE_SECONDS_MAX)
        if self._pause >= TELL_SECONDS:
            self._tell(code, reason)
        return self._pause

    def _tell(self, code: str, reason: str) -> None:
        if not self._told:
            self._warn("kinesis stream takes no records", code=code, reason=reason)
            self._told = True

    async def _trim(self, upto: int) -> None:
        if upto <= self._trimmed:
            return
        while await self._store.engine.trim(self._space, _SHARD, upto, KINESIS_CALL_RECORDS_MAX):
            pass
        self._trimmed = upto

    async def _expire(self, before: float) -> None:
        """Give up changes that happened before a moment, up to the first that did not: what lies behind that one out of
        order is older by a moment only, and goes with the next look."""
        await self._trim(self._window.done())
        lost = 0
        while True:
            found = await self._waiting(self._trimmed)
            expired = list(takewhile(lambda change: happened_at(change) < before, found))
            if not expired:
                break
            lost += sum([self._window.is_unsent(change) for change in expired])
            await asyncio.sleep(0)
            await self._trim(expired[-1].sequence)
        self._window.forget(self._trimmed)
        if lost:
            self._warn("kinesis records waited too long", records=lost)

    async def _drop(self) -> None:
        """Disable the destination; what was not sent by now is lost."""
        if await self._has_unsent():
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
