"""Sends batches of one shard to the mapping's function until each of their records has succeeded or is given up."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from statordb.keeper.triggers import failures, retries
from statordb.keeper.triggers.events import PAYLOAD_BYTES_MAX, Event, Piece, payload
from statordb.keeper.triggers.failures import NotSent
from statordb.keeper.triggers.source import NAME, RecordsTrimmed, Source
from statordb.keeper.triggers.target import Target
from statordb.keeper.triggers.underway import Place, Underway
from statordb.keeper.triggers.verdicts import judge
from statordb.keeper.triggers.windows import STATE_BYTES_MAX, TumblingWindow
from statordb.model.clock import Clock
from statordb.model.invocation import Outcome, RecordSink


class Surroundings(NamedTuple):
    """What the tasks of all shards share."""

    target: Target
    destinations: RecordSink
    clock: Clock
    underway: Underway


class WindowAbandoned(Exception):
    """The final invocation of a tumbling window failed as often as it may, or for as long; args: uuid of the mapping,
    shard."""


class BatchDelivery:
    """`window`: the shard's tumbling window; None if the mapping has none."""

    def __init__(self, source: Source, shard: str, around: Surroundings, window: TumblingWindow | None) -> None:
        self._source = source
        self._shard = shard
        self._around = around
        self.window = window

    async def deliver(self, events: Sequence[Event], progress: Callable[[int], None]) -> None:
        """`progress` is told the first sequence number that is not done yet, whenever others of the batch are."""
        waiting = [Piece(events)]
        undone = events[0].sequence
        while waiting:
            piece = waiting.pop()
            if piece.events[0].sequence != undone:
                undone = piece.events[0].sequence
                progress(undone)
            if piece.pause:
                await asyncio.sleep(piece.pause)
            waiting += reversed(await self._attempt(piece))

    async def _attempt(self, piece: Piece) -> Sequence[Piece]:
        """Send a piece once; what of it is still to be sent."""
        record = self._source.record
        old = retries.lapsed(piece, record, self._around.clock.now())
        if old:
            if record.age_seconds_max < 0:
                self._source.report(NAME, RecordsTrimmed(record.uuid, self._shard))
            await self._give_up(piece.events[:old], failures.AGE_EXCEEDED, piece.invocations, None)
            return [piece._replace(events=piece.events[old:])] if old < len(piece.events) else []
        body = self._payload(piece.events)
        if len(body) > PAYLOAD_BYTES_MAX and len(piece.events) > 1:  # the window's state has grown meanwhile
            return retries.halves(piece)
        self._around.target.tell_age(record, self._around.clock.now() - piece.events[-1].at)
        outcome = await self._invoke(body)
        if outcome is None:
            return [piece._replace(pause=retries.longer(piece.pause))]
        piece = piece._replace(invocations=piece.invocations + 1)
        verdict = judge(outcome, piece.events, record.reports_failures, self.window is not None)
        self._source.went(verdict.failed_from is None)
        if verdict.failed_from != 0:
            await self._keep_state(verdict.state)
        if verdict.failed_from is None:
            return ()
        remains, given_up = retries.after_failure(piece, verdict.failed_from, record)
        if given_up:
            await self._give_up(given_up, failures.RETRIES_EXHAUSTED, piece.invocations, outcome)
        return remains

    def _payload(self, events: Sequence[Event]) -> bytes:
        if self.window is None:
            return payload(events)
        self.window.begin(events[0].at)
        return payload(events, self.window.members(final=False, early=False))

    async def _invoke(self, body: bytes) -> Outcome | None:
        """None if the function was not run."""
        record, around = self._source.record, self._around
        try:
            return await around.underway.run(Place(record.uuid, self._shard), around.target.invoke(record, body))
        except Exception as fault:
            self._source.not_run(fault)
            return None

    async def _keep_state(self, state: bytes) -> None:
        if self.window is None:
            return
        self.window.state = state
        if len(state) > STATE_BYTES_MAX:
            await self.finish_window(early=True)

    async def finish_window(self, early: bool) -> None:
        """The final invocation of the window that is open; nothing goes on before it has succeeded, or failed as often
        as it may, or until it is as old as its records may be."""
        window, pause, attempts = self.window, 0.0, 0
        assert window is not None
        while True:
            record = self._source.record
            outcome = await self._invoke(payload((), window.members(final=True, early=early)))
            if outcome is not None:
                attempts += 1
                well = judge(outcome, (), False, windowed=False).failed_from is None
                self._source.went(well)
                if well:
                    break
            lapsed = self._around.clock.now() > window.end + retries.seconds_allowed(record)
            if lapsed or 0 <= record.retries_max < attempts:
                self._source.report(NAME, WindowAbandoned(record.uuid, self._shard))
                break
            pause = retries.longer(pause)
            await asyncio.sleep(pause)
        window.close(early)

    async def _give_up(
        self, events: Sequence[Event], condition: str, invocations: int, outcome: Outcome | None
    ) -> None:
        record = self._source.record
        if record.destination is None:
            return
        now = self._around.clock.now()
        body = failures.invocation_record(record, self._shard, events, condition, invocations, outcome, now)
        try:
            await failures.send(self._around.destinations, record, record.destination, body)
        except NotSent as fault:
            self._source.report(NAME, fault)
