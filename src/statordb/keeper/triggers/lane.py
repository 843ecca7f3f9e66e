"""A lane: the records of a shard that are sent one batch after the other. Every item is in one lane only."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Protocol

from statordb.keeper.triggers.delivery import BatchDelivery
from statordb.keeper.triggers.events import PAYLOAD_BYTES_MAX, Event, payload
from statordb.keeper.triggers.source import Source
from statordb.keeper.triggers.windows import GRACE_SECONDS, TumblingWindow

WINDOW_LOOK_SECONDS = 0.25  # how often it is looked whether a tumbling window is over


class Upstream(Protocol):
    """What a lane needs to know of the reading of its shard."""

    caught_up_at: float  # every change that was made durable before (seconds since the epoch) has been read

    def progressed(self, taken_bytes: int) -> None:
        """Records were taken out of the lane's queue, or are done."""
        ...


class ShardLane:
    """Gathers batches as the mapping says, and has them delivered."""

    def __init__(self, source: Source, delivery: BatchDelivery, upstream: Upstream, time: Callable[[], float]) -> None:
        """`time`: the event loop's clock."""
        self._source = source
        self._delivery = delivery
        self._upstream = upstream
        self._time = time
        self._queue: deque[Event] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._over = False
        self._unfinished: int | None = None

    @property
    def lowest(self) -> int | None:
        """The lowest sequence number that is not done; None if all are."""
        if self._unfinished is not None:
            return self._unfinished
        return self._queue[0].sequence if self._queue else None

    def put(self, event: Event) -> None:
        self._queue.append(event)
        self._bytes += event.size
        self._arrived.set()

    def finish(self) -> None:
        """No more records will come."""
        self._over = True
        self._arrived.set()

    async def run(self) -> None:
        """Deliver until all is done and no more comes."""
        window = self._delivery.window
        while await self._gather():
            if window is not None and self._is_over(window):
                await self._delivery.finish_window(early=False)
                self._upstream.progressed(0)
                continue
            await self._delivery.deliver(self._take(), self._progress)
            self._unfinished = None
            self._upstream.progressed(0)

    async def _gather(self) -> bool:
        """Wait until a batch is to be delivered, or a window to be finished; False when nothing is left to do."""
        window = self._delivery.window
        while not self._queue:
            if window is not None and window.open:
                if self._is_over(window):
                    return True
                await self._wait(WINDOW_LOOK_SECONDS)
            elif self._over:
                return False
            else:
                await self._wait(None)
        record = self._source.record
        until = self._queue[0].read_at + record.batching_seconds
        room = self._room()
        while len(self._queue) < record.batch_size and self._bytes < room and not self._over:
            left = until - self._time()
            if left <= 0 or (window is not None and self._is_over(window)):
                break
            await self._wait(left if window is None else min(left, WINDOW_LOOK_SECONDS))
            record = self._source.record
        return True

    async def _wait(self, seconds: float | None) -> None:
        """Until records arrive, at most so long."""
        self._arrived.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._arrived.wait()

    def _is_over(self, window: TumblingWindow) -> bool:
        """Whether no record of the open window can come any more."""
        if not window.open:
            return False
        if self._queue:
            return self._queue[0].at >= window.end
        return self._over or self._upstream.caught_up_at >= window.end + GRACE_SECONDS

    def _room(self) -> int:
        """Bytes that an event has for its records."""
        window = self._delivery.window
        return PAYLOAD_BYTES_MAX - len(payload((), b"" if window is None else window.members(final=False, early=False)))

    def _take(self) -> list[Event]:
        """The next batch."""
        queue, window = self._queue, self._delivery.window
        batch_size = self._source.record.batch_size
        end = None
        if window is not None:
            window.begin(queue[0].at)
            end = window.end
        room = self._room()
        batch: list[Event] = []
        taken = 0
        while queue and len(batch) < batch_size:
            event = queue[0]
            if batch and (taken + event.size > room or (end is not None and event.at >= end)):
                break
            taken += event.size
            batch.append(queue.popleft())
        self._bytes -= taken
        self._unfinished = batch[0].sequence
        self._upstream.progressed(taken)
        return batch

    def _progress(self, sequence: int) -> None:
        self._unfinished = sequence
        self._upstream.progressed(0)
